import CSQLite
import Glibc

/// The one connection to a database file, with settings that keep it whole.
///
/// Not thread-safe: `SQLiteStore` calls it under its lock. SQL is `StaticString`, so that no value
/// can become part of a statement.
final class Database {
  let handle: OpaquePointer
  let path: String
  /// The error after which the file's state is unknown, even if its receiver swallowed it.
  private(set) var fatalError: StoreError?
  private var statements: [UInt: Statement] = [:]
  /// Frames in the write-ahead log after the last commit.
  private let walFrames = UnsafeMutablePointer<Int32>.allocate(capacity: 1)

  /// How a file is opened.
  enum Mode {
    /// A store: exclusive, write-ahead log, every safety setting.
    case store
    /// A copy for one use: no log, no sync.
    case copy
  }

  /// Opens an existing file, which may be empty; `path` must not contain symbolic links.
  init(path: String, mode: Mode) throws(StoreError) {
    guard SQLiteLibrary.isConfigured else {
      throw .misuse("SQLite was started before it was configured")
    }
    var handle: OpaquePointer?
    let flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX
    let code = sqlite3_open_v2(path, &handle, flags, nil)
    guard code == SQLITE_OK, let handle else {
      let failure = Database.error(code, handle: handle, path: path)
      sqlite3_close_v2(handle)
      walFrames.deallocate()
      throw failure
    }
    self.handle = handle
    self.path = path
    walFrames.initialize(to: 0)
    sqlite3_extended_result_codes(handle, 1)
    try harden()
    switch mode {
    case .store: try execute("PRAGMA locking_mode = EXCLUSIVE")
    case .copy: try execute("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF")
    }
  }

  deinit {
    statements = [:]
    sqlite3_close_v2(handle)
    walFrames.deallocate()
  }

  // MARK: - Settings

  /// What holds whatever the file turns out to be; nothing here reads or writes it.
  private func harden() throws(StoreError) {
    // SQLite falls back to reading where it may not write.
    guard sqlite3_db_readonly(handle, "main") == 0 else { throw .readOnly(path: path) }
    for (option, on) in [
      (SQLITE_DBCONFIG_DEFENSIVE, 1), (SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
      (SQLITE_DBCONFIG_ENABLE_TRIGGER, 0), (SQLITE_DBCONFIG_ENABLE_VIEW, 0),
      (SQLITE_DBCONFIG_ENABLE_FKEY, 1), (SQLITE_DBCONFIG_DQS_DML, 0), (SQLITE_DBCONFIG_DQS_DDL, 0),
      (SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0), (SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0),
    ] as [(Int32, Int32)] {
      let code = kw_sqlite_db_config(handle, option, on)
      guard code == SQLITE_OK else { throw error(code) }
    }
    for (limit, value) in [
      (SQLITE_LIMIT_LENGTH, 16 << 20), (SQLITE_LIMIT_SQL_LENGTH, 64 << 10),
      (SQLITE_LIMIT_COLUMN, 64), (SQLITE_LIMIT_EXPR_DEPTH, 64),
      (SQLITE_LIMIT_COMPOUND_SELECT, 8), (SQLITE_LIMIT_ATTACHED, 0),
      (SQLITE_LIMIT_VARIABLE_NUMBER, 64), (SQLITE_LIMIT_TRIGGER_DEPTH, 1),
      (SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256), (SQLITE_LIMIT_WORKER_THREADS, 0),
    ] as [(Int32, Int32)] {
      sqlite3_limit(handle, limit, value)
    }
    sqlite3_busy_timeout(handle, 0)
  }

  /// The settings that need the file; called once it is known to be ours.
  func makeDurable() throws(StoreError) {
    try execute(
      """
      PRAGMA secure_delete = ON;
      PRAGMA cell_size_check = ON;
      PRAGMA mmap_size = 0;
      PRAGMA temp_store = MEMORY;
      PRAGMA cache_size = -8192;
      PRAGMA foreign_keys = ON;
      PRAGMA synchronous = FULL;
      """
    )
    guard try scalarText("PRAGMA journal_mode = WAL") == "wal" else {
      throw .readOnly(path: path)
    }
    guard try scalar("PRAGMA synchronous") == 2, try scalar("PRAGMA secure_delete") == 1,
      try scalarText("PRAGMA locking_mode") == "exclusive"
    else { throw .misuse("a setting of the database did not take") }
    sqlite3_wal_hook(
      handle,
      { context, _, _, frames in
        context?.assumingMemoryBound(to: Int32.self).pointee = frames
        return SQLITE_OK
      },
      walFrames
    )
  }

  /// Leaves the file and its log as they are when the connection closes.
  func leaveUntouched() {
    _ = kw_sqlite_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
  }

  // MARK: - Statements

  /// The prepared statement for `sql`, from the cache.
  func statement(_ sql: StaticString) throws(StoreError) -> Statement {
    let key = UInt(bitPattern: sql.utf8Start)
    if let known = statements[key] { return known }
    let made = try Statement(sql, database: self)
    statements[key] = made
    return made
  }

  /// Runs statements that give nothing back; for settings and migrations.
  func execute(_ sql: StaticString) throws(StoreError) {
    let text = UnsafeRawPointer(sql.utf8Start).assumingMemoryBound(to: CChar.self)
    let code = sqlite3_exec(handle, text, nil, nil, nil)
    guard code == SQLITE_OK else { throw error(code) }
  }

  /// The first column of the first row as a number; nil if there is no row.
  func scalar(_ sql: StaticString) throws(StoreError) -> Int64? {
    let statement = try statement(sql)
    defer { statement.reset() }
    return try statement.step() && !statement.isNull(0) ? statement.int(0) : nil
  }

  /// The first column of the first row as text; nil if there is no row.
  func scalarText(_ sql: StaticString) throws(StoreError) -> String? {
    let statement = try statement(sql)
    defer { statement.reset() }
    return try statement.step() ? statement.text(0) : nil
  }

  /// Rows changed by the last statement.
  var changes: Int { Int(sqlite3_changes64(handle)) }

  /// Whether a transaction is open; SQLite ends one by itself on some errors.
  var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

  // MARK: - The file

  /// Reads what the database's file has from `offset` on, the log aside; returns how much there was.
  func readFile(into buffer: inout [UInt8], at offset: Int64) throws(StoreError) -> Int {
    var size: sqlite3_int64 = 0
    let sized = kw_sqlite_size(handle, &size)
    guard sized == SQLITE_OK else { throw error(sized) }
    let count = Int32(clamping: min(sqlite3_int64(buffer.count), max(size - offset, 0)))
    guard count > 0 else { return 0 }
    let read = kw_sqlite_read(handle, &buffer, count, offset)
    guard read == SQLITE_OK else { throw error(read) }
    return Int(count)
  }

  /// Whether `part` is in the first `count` bytes.
  static func contains(_ bytes: [UInt8], _ count: Int, _ part: [UInt8]) -> Bool {
    kw_contains(bytes, count, part, part.count) == 1
  }

  /// Writes the database anew from its rows; takes memory and log for a copy of it.
  func rebuild() throws(StoreError) {
    // VACUUM attaches a temporary database, which the limits allow at no other time.
    sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 1)
    defer { sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0) }
    try execute("VACUUM")
  }

  // MARK: - Write-ahead log

  /// Frames in the log that a checkpoint would move.
  var pendingFrames: Int { Int(walFrames.pointee) }

  /// Moves the log into the database; `truncate` also empties the log file.
  ///
  /// Both files are synced on the way.
  func checkpoint(truncate: Bool) throws(StoreError) {
    let mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE
    let code = sqlite3_wal_checkpoint_v2(handle, nil, mode, nil, nil)
    guard code == SQLITE_OK else { throw error(code) }
    walFrames.pointee = 0
  }

  /// Moves the log into the database and goes on without one; the lock stays.
  func leaveLogMode() throws(StoreError) {
    try checkpoint(truncate: true)
    statements = [:]
    guard try scalarText("PRAGMA journal_mode = DELETE") == "delete" else {
      throw .misuse("the log could not be left")
    }
  }

  // MARK: - Errors

  /// The error for a result code of this connection.
  func error(_ code: Int32) -> StoreError {
    let error = Database.error(code, handle: handle, path: path)
    if error.isFatal { fatalError = error }
    return error
  }

  private static func error(_ code: Int32, handle: OpaquePointer?, path: String) -> StoreError {
    let message = handle.map { String(cString: sqlite3_errmsg($0)) } ?? "no memory"
    let cause = handle.map { sqlite3_system_errno($0) } ?? 0
    switch code & 0xff {
    case SQLITE_BUSY, SQLITE_LOCKED: return .locked(path: path)
    case SQLITE_CONSTRAINT: return .constraint(message)
    case SQLITE_CORRUPT: return .corrupt(message)
    case SQLITE_FULL: return .full
    case SQLITE_IOERR:
      if code == Int32(KW_SQLITE_IOERR_CORRUPTFS) {
        return .corrupt("the file system returned wrong data")
      }
      if code == Int32(KW_SQLITE_IOERR_WRITE), [ENOSPC, EDQUOT, EFBIG].contains(cause) {
        return .full
      }
      // A read past the end of a file that was cut short.
      if code == Int32(KW_SQLITE_IOERR_SHORT_READ) { return .corrupt("the file is cut short") }
      if cause == EROFS { return .readOnly(path: path) }
      return .ioError("\(String(cString: sqlite3_errstr(code))) \(code), errno \(cause)")
    case SQLITE_NOTADB: return .notADatabase(path: path)
    case SQLITE_READONLY: return .readOnly(path: path)
    case SQLITE_CANTOPEN:
      return cause == EROFS || cause == EACCES
        ? .readOnly(path: path) : .ioError("open of \(path): \(message), errno \(cause)")
    case SQLITE_SCHEMA, SQLITE_ERROR, SQLITE_MISMATCH: return .corrupt(message)
    case SQLITE_TOOBIG: return .limit("a row of 16 MiB")
    case SQLITE_NOMEM: return .limit("memory")
    default: return .misuse("SQLite error \(code): \(message)")
    }
  }
}
