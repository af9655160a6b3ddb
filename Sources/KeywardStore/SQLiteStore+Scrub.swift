import Glibc
import Synchronization

/// Making sure that what was removed is in no file of the store.
extension SQLiteStore {
  /// The most envelopes that the file is searched for at once.
  package static let mostSearched = 64
  /// Frames that the log may have while a small file is searched, 64 MiB; beside a large one as many as
  /// that has pages.
  private static let stillFrames = 16_384

  /// Empties the log, and rebuilds the file if a copy of an envelope that is owed is left in it.
  ///
  /// `secure_delete` overwrites what it frees, but a page that SQLite rebalanced may hold an old copy
  /// of a cell in its gap; only a rebuilt file has none. What a process before this one owed is in its mark.
  ///
  /// Commits go on between the steps of the search, and to the log alone until it has ended: the file is
  /// the one of the moment at which the log was empty. A page that holds no copy then gets none, since
  /// pages are made of pages. When the log grows longer than the file, or the disk is full, the search gives
  /// way: it throws, and all is owed still.
  @discardableResult
  package func scrub() throws -> Bool {
    try scrub(mostFrames: nil)
  }

  /// The same with another limit of the log.
  @discardableResult
  package func scrub(mostFrames: Int?) throws -> Bool {
    // Before the log is emptied: what comes in after that may be in the file by right.
    let search = try using { owed.next }
    return try withStillFile(mostFrames: mostFrames) {
      guard try search.isRebuild || fileHolds(anyOf: search.salts) else {
        return try using { try settle(search) }
      }
      let rebuilt = try using {
        do throws(StoreError) {
          try database.rebuild()
          try database.checkpoint(truncate: true)
        } catch .full {
          try makeRoom()
          throw StoreError.full
        }
        return (settled: owed.rebuild, certain: owed.certain)
      }
      // Of very many, some: a rebuilt file has only what its rows have.
      guard try !fileHolds(anyOf: rebuilt.certain.prefix(SQLiteStore.mostSearched)) else {
        throw StoreError.corrupt("destroyed material is still in the file after it was rebuilt")
      }
      return try using { try settle(rebuilt.settled) }
    }
  }

  /// Runs `body` with an empty log at its beginning, and the file as it is: what is written meanwhile
  /// stays in the log, and goes to the file at the end.
  package func withStillFile<R: Sendable>(
    mostFrames: Int? = nil,
    _ body: () throws -> R
  ) throws -> R {
    try scrubs.withLock { _ in
      try using {
        try database.checkpoint(truncate: true)
        let pages = Int(clamping: try database.scalar("PRAGMA page_count") ?? 0)
        stillUntil = mostFrames ?? max(pages, SQLiteStore.stillFrames)
      }
      let result = Result { try body() }
      try using {
        stillUntil = nil
        try checkpointIfDue(truncate: true)
      }
      return try result.get()
    }
  }

  // MARK: - Under the lock

  /// Gives back what the log takes of a disk that is full, as far as the database has room for it.
  func makeRoom() throws(StoreError) {
    stillUntil = nil
    do {
      try database.checkpoint(truncate: true)
      nextCheckpoint = SQLiteStore.checkpointFrames
    } catch .full {}
  }

  /// Tells the next process of what the commit that comes will owe: the salts, which are no secret.
  ///
  /// One more than are kept is enough to know that there were too many.
  func markOwed(_ envelopes: [[UInt8]]) throws(StoreError) {
    let room = OwedScrubs.mostKept + 1 - marked
    let salts = OwedScrubs.salts(of: envelopes).prefix(max(room, 0))
    guard !salts.isEmpty else { return }
    let isNew = marked == 0
    try StoreFiles.append(
      Array(salts.joined()),
      to: files.scrubMark,
      at: marked * OwedScrubs.saltBytes
    )
    if isNew { try StoreFiles.syncDirectory(files.directory) }
    marked += salts.count
  }

  /// Takes out what a search has settled, and the mark with the last of it; returns whether more is owed.
  private func settle(_ search: OwedScrubs.Search) throws(StoreError) -> Bool {
    owed.settle(search)
    guard owed.isEmpty else { return true }
    // Not synced: a mark that comes back costs a search.
    guard unlink(files.scrubMark) == 0 || errno == ENOENT else {
      throw StoreFiles.failure("unlink", files.scrubMark)
    }
    marked = 0
    return false
  }

  /// Whether the database's file holds one of these salts.
  private func fileHolds(anyOf salts: some Collection<[UInt8]>) throws -> Bool {
    guard !salts.isEmpty else { return false }
    let length = 1 << 20
    var buffer = [UInt8](repeating: 0, count: length)
    var offset: Int64 = 0
    while true {
      let count = try using { () throws(StoreError) in
        guard stillUntil != nil else { throw .limit("the log beside a file that is searched") }
        return try database.readFile(into: &buffer, at: offset)
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
