import CSQLite

/// A prepared statement: bind, step, read columns.
///
/// Not thread-safe, as its connection is not. Columns are numbered from 0, parameters from 1.
final class Statement {
  private let handle: OpaquePointer
  private unowned let database: Database

  init(_ sql: StaticString, database: Database) throws(StoreError) {
    var handle: OpaquePointer?
    let text = UnsafeRawPointer(sql.utf8Start).assumingMemoryBound(to: CChar.self)
    let code = sqlite3_prepare_v3(
      database.handle,
      text,
      Int32(clamping: sql.utf8CodeUnitCount),
      UInt32(SQLITE_PREPARE_PERSISTENT),
      &handle,
      nil
    )
    guard code == SQLITE_OK, let handle else { throw database.error(code) }
    self.handle = handle
    self.database = database
  }

  deinit { sqlite3_finalize(handle) }

  // MARK: - Binding

  func bind(_ index: Int32, _ value: Int64) throws(StoreError) {
    try check(sqlite3_bind_int64(handle, index, value))
  }

  func bind(_ index: Int32, _ value: [UInt8]) throws(StoreError) {
    try check(kw_sqlite_bind_blob(handle, index, value, Int32(clamping: value.count)))
  }

  func bind(_ index: Int32, _ value: String) throws(StoreError) {
    var value = value
    let code = value.withUTF8 { bytes in
      kw_sqlite_bind_text(handle, index, bytes.baseAddress, Int32(clamping: bytes.count))
    }
    try check(code)
  }

  func bindNull(_ index: Int32) throws(StoreError) {
    try check(sqlite3_bind_null(handle, index))
  }

  func bind(_ index: Int32, _ value: ColumnValue) throws(StoreError) {
    switch value {
    case .null: try bindNull(index)
    case .integer(let number): try bind(index, number)
    case .real(let number): try check(sqlite3_bind_double(handle, index, number))
    case .text(let bytes):
      try check(kw_sqlite_bind_text(handle, index, bytes, Int32(clamping: bytes.count)))
    case .blob(let bytes): try bind(index, bytes)
    }
  }

  // MARK: - Stepping

  /// Whether there is a row now.
  func step() throws(StoreError) -> Bool {
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code:
      let error = database.error(code)
      reset()
      throw error
    }
  }

  /// Runs a statement that gives no rows and makes it ready for the next use.
  func run() throws(StoreError) {
    defer { reset() }
    while try step() {}
  }

  /// Makes the statement ready again; ends its read transaction.
  func reset() {
    sqlite3_reset(handle)
    sqlite3_clear_bindings(handle)
  }

  // MARK: - Columns

  var columnCount: Int32 { sqlite3_column_count(handle) }

  func type(_ column: Int32) -> Int32 { sqlite3_column_type(handle, column) }

  func isNull(_ column: Int32) -> Bool { type(column) == SQLITE_NULL }

  func int(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

  func blob(_ column: Int32) -> [UInt8] {
    withBytes(column) { [UInt8]($0) }
  }

  /// The text of a column; bytes that are not UTF-8 become U+FFFD, so check the MAC first.
  func text(_ column: Int32) -> String {
    withBytes(column) { String(decoding: $0, as: UTF8.self) }
  }

  /// The bytes of a text or blob column, valid until the next step.
  func withBytes<R>(_ column: Int32, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    let start = sqlite3_column_blob(handle, column)
    let count = Int(sqlite3_column_bytes(handle, column))
    return try body(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
  }

  func value(_ column: Int32) -> ColumnValue {
    switch type(column) {
    case SQLITE_INTEGER: .integer(int(column))
    case SQLITE_FLOAT: .real(sqlite3_column_double(handle, column))
    case SQLITE_TEXT: .text(blob(column))
    case SQLITE_BLOB: .blob(blob(column))
    default: .null
    }
  }

  func double(_ column: Int32) -> Double { sqlite3_column_double(handle, column) }

  private func check(_ code: Int32) throws(StoreError) {
    guard code == SQLITE_OK else { throw database.error(code) }
  }
}

/// A value as SQLite holds it; text by its bytes, since a damaged file can hold any.
enum ColumnValue: Hashable, Sendable {
  case null
  case integer(Int64)
  case real(Double)
  case text([UInt8])
  case blob([UInt8])

  init(_ text: String) { self = .text(Array(text.utf8)) }
  init(_ bytes: [UInt8]) { self = .blob(bytes) }
  init(_ number: Int64) { self = .integer(number) }
  init(_ number: Int64?) { self = number.map { .integer($0) } ?? .null }
  init(_ flag: Bool) { self = .integer(flag ? 1 : 0) }
}
