import CSQLite
import Glibc
import KeywardCrypto
import KeywardModel

/// A consistent copy of an unlocked store's database, made in steps between commits.
///
/// SQLite's online backup on the store's own connection: pages that a commit changes after they
/// were copied are copied again by that commit, so the copy is the database as of its last step.
final class DatabaseCopy {
  /// The beginning of the names of copies in the data folder.
  static let prefix = "copy-"
  /// Pages of 4 KiB in a step: about a millisecond in which writes wait.
  static let pagesPerStep: Int32 = 256

  /// The copy; readable once `finish` has returned.
  let path: String
  private let source: SQLiteStore
  private var target: Database?
  private var backup: OpaquePointer?

  /// Makes the empty target, 0600, in the store's folder.
  init(of source: SQLiteStore) throws {
    self.source = source
    path =
      source.files.directory + "/" + DatabaseCopy.prefix + Hex.encode(try RandomSource.bytes(8))
    try StoreFiles.prepare(path)
    do {
      let target = try Database(path: path, mode: .copy)
      self.target = target
      backup = try source.using { () throws(StoreError) -> UncheckedPointer in
        guard source.session != nil else { throw .sealed }
        guard
          let backup = sqlite3_backup_init(target.handle, "main", source.database.handle, "main")
        else { throw target.error(sqlite3_errcode(target.handle)) }
        return UncheckedPointer(pointer: backup)
      }.pointer
    } catch {
      unlink(path)
      throw error
    }
  }

  deinit { remove() }

  /// Copies all pages, letting writes in between steps; returns the session that the copy shows.
  func finish() throws -> Session {
    while true {
      if let session = try step() {
        target = nil
        return session
      }
      // The lock is not fair: without a pause the next step would win it again.
      usleep(100)
    }
  }

  private func step() throws -> Session? {
    try source.using { () throws(StoreError) -> Session? in
      guard let session = source.session else { throw .sealed }
      guard let backup, let target else { throw .misuse("a copy was finished before") }
      let code = sqlite3_backup_step(backup, DatabaseCopy.pagesPerStep)
      switch code {
      case SQLITE_OK: return nil
      case SQLITE_DONE:
        self.backup = nil
        let ended = sqlite3_backup_finish(backup)
        guard ended == SQLITE_OK else { throw target.error(ended) }
        return session
      default: throw target.error(code)
      }
    }
  }

  /// Ends the copy and removes its file.
  func remove() {
    if let backup {
      self.backup = nil
      // The result repeats the error of the last step.
      source.alone { sqlite3_backup_finish(backup) }
    }
    target = nil
    unlink(path)
    unlink(path + "-wal")
  }

  /// Removes what a server that was killed during a copy left behind.
  static func removeLeftovers(in files: StoreFiles) {
    for name in StoreFiles.names(in: files.directory) where name.hasPrefix(prefix) {
      unlink(files.directory + "/" + name)
    }
  }

  /// Carries a pointer out of the store's lock; it is used under that lock only.
  private struct UncheckedPointer: @unchecked Sendable {
    let pointer: OpaquePointer
  }
}
