import Glibc
import Synchronization

/// Making sure that what was removed is in no file of the store.
extension SQLiteStore {
  /// The most envelopes that the file is searched for; with more of them it is rebuilt at once.
  package static let mostSearched = 64

  /// Empties the log, and rebuilds the file if a copy of a removed envelope is left in it.
  ///
  /// `secure_delete` overwrites what it frees, but a page that SQLite rebalanced may hold an old copy
  /// of a cell in its gap; only a rebuilt file has none.
  ///
  /// Commits go on between the steps of the search, and to the log alone until it has ended: the file is
  /// the one of the moment at which the log was empty. A page that holds no copy then gets none, since
  /// pages are made of pages.
  package func scrub(of removed: [[UInt8]]) throws {
    try withStillFile {
      guard try removed.count > SQLiteStore.mostSearched || fileHolds(anyOf: removed) else {
        return
      }
      try using {
        try database.rebuild()
        try database.checkpoint(truncate: true)
      }
      // Of very many, some: a rebuilt file has only what its rows have.
      guard try !fileHolds(anyOf: removed.prefix(SQLiteStore.mostSearched)) else {
        throw StoreError.corrupt("destroyed material is still in the file after it was rebuilt")
      }
    }
  }

  /// Runs `body` with an empty log at its beginning, and the file as it is: what is written meanwhile
  /// stays in the log.
  package func withStillFile(_ body: () throws -> Void) throws {
    try scrubs.withLock { _ in
      try using {
        try database.checkpoint(truncate: true)
        isFileStill = true
      }
      defer { alone { isFileStill = false } }
      try body()
    }
  }

  /// Whether the database's file holds one of these envelopes, by its salt.
  private func fileHolds(anyOf envelopes: some Sequence<[UInt8]>) throws -> Bool {
    // 24 random bytes after suite and version (docs/formats/envelope.md).
    let salts = envelopes.filter { $0.count >= 29 }.map { Array($0[5..<29]) }
    guard !salts.isEmpty else { return false }
    let length = 1 << 20
    var buffer = [UInt8](repeating: 0, count: length)
    var offset: Int64 = 0
    while true {
      let count = try using { () throws(StoreError) in
        try database.readFile(into: &buffer, at: offset)
      }
      for salt in salts where Database.contains(buffer, count, salt) { return true }
      guard count == length else { return false }
      // Runs overlap, so that a salt on a border is in one of them.
      offset += Int64(length - 32)
      // The lock is not fair: without a pause the next step would win it again.
      usleep(100)
    }
  }
}
