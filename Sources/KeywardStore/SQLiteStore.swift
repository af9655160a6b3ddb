package import KeywardKeyring
package import KeywardModel
import Synchronization

/// The store in one SQLite file, used by one process through one connection.
///
/// A lock serialises all calls. What a commit leaves in memory is taken over only once the database
/// has it; after a failure of the disk the store refuses everything, since nobody knows what the
/// disk holds (see `StoreError.isFatal`).
package final class SQLiteStore: Store, @unchecked Sendable {
  // Unchecked: every variable below is used under `gate` alone.

  /// The most entries that the journal of a sealed store takes.
  package static let journalLimit = 10_000
  /// Frames of the write-ahead log, 4 KiB each, after which it is moved into the database.
  static let checkpointFrames = 1000

  private let gate = Mutex(())
  let database: Database
  let files: StoreFiles
  private let anchorPath: String
  private var anchor: Anchor?
  private(set) var session: Session?
  /// What stopped the store for good.
  private var failure: StoreError?
  var nextCheckpoint = SQLiteStore.checkpointFrames
  /// The frames at which the log is moved all the same while the file is searched; nil if it is not, or
  /// if that has come about.
  var stillUntil: Int?
  /// Whether the log was moved for want of room since the last commit.
  private var hasMadeRoom = false
  /// Held by the one that scrubs; before `gate`.
  let scrubs = Mutex(())
  /// What was removed and is not known to be gone from the file.
  var owed: OwedScrubs
  /// The salts in the mark that says so to the next process.
  var marked: Int

  private init(database: Database, files: StoreFiles, anchorPath: String) throws(StoreError) {
    self.database = database
    self.files = files
    self.anchorPath = anchorPath
    let mark = try StoreFiles.read(
      files.scrubMark,
      limit: (OwedScrubs.mostKept + 1) * OwedScrubs.saltBytes
    )
    owed = OwedScrubs(mark: mark)
    marked = mark.count / OwedScrubs.saltBytes
  }

  // MARK: - Opening

  /// Opens the store in a folder, or makes an empty one there, and brings its schema up to date.
  ///
  /// `directory` is made 0700 if its parent exists. `anchorPath` names the anchor file; nil stands
  /// for `anchor` in the folder. Another disk is better: then an older copy of the whole folder is
  /// noticed too.
  package static func open(
    directory: String,
    anchorPath: String? = nil
  ) throws(StoreError) -> SQLiteStore {
    let files = try StoreFiles(directory: directory, creating: true)
    let isNew = try StoreFiles.prepare(files.database)
    if StoreFiles.exists(files.log) { try StoreFiles.prepare(files.log, creating: false) }
    let database = try openDatabase(files)
    if isNew { try StoreFiles.syncDirectory(files.directory) }
    DatabaseCopy.removeLeftovers(in: files)
    return try SQLiteStore(
      database: database,
      files: files,
      anchorPath: anchorPath ?? files.defaultAnchor
    )
  }

  private static func openDatabase(_ files: StoreFiles) throws(StoreError) -> Database {
    let database = try Database(path: files.database, mode: .store)
    do {
      try Schema.checkOwner(of: database)
    } catch {
      database.leaveUntouched()
      if case .locked = error { throw .locked(path: files.directory) }
      throw error
    }
    do {
      try database.makeDurable()
      // The lock is taken here and held until the connection closes.
      try database.execute("BEGIN EXCLUSIVE; COMMIT")
      try Schema.migrate(database)
    } catch .locked {
      throw .locked(path: files.directory)
    }
    return database
  }

  // MARK: - Sealed

  package var identity: StoreID? {
    get throws {
      guard let bytes = try meta(.storeID) else { return nil }
      guard let id = StoreID(bytes) else { throw StoreError.corrupt("the store's id") }
      return id
    }
  }

  package func seals() throws -> [StoredSeal] {
    try using { () throws(StoreError) in
      let statement = try database.statement(RowTable.seals.select)
      defer { statement.reset() }
      var seals: [StoredSeal] = []
      while try statement.step() {
        seals.append(StoredSeal(slot: statement.int(0), record: statement.blob(1)))
      }
      return seals
    }
  }

  package func terms() throws -> [WrappedTerm] {
    try using { () throws(StoreError) in
      let statement = try database.statement(RowTable.terms.select)
      defer { statement.reset() }
      var terms: [WrappedTerm] = []
      while try statement.step() {
        guard let number = UInt32(exactly: statement.int(0)) else {
          throw .corrupt("a keyring term's number")
        }
        terms.append(
          WrappedTerm(
            number: number,
            createdAt: Timestamp(milliseconds: statement.int(1)),
            wrapped: statement.blob(2)
          )
        )
      }
      return terms
    }
  }

  package func meta(_ name: MetaName) throws -> [UInt8]? {
    try using { () throws(StoreError) in
      let statement = try database.statement("SELECT value FROM meta WHERE name = ?1")
      defer { statement.reset() }
      try statement.bind(1, name.rawValue)
      return try statement.step() ? statement.blob(0) : nil
    }
  }

  package var journalCount: Int {
    get throws {
      try using { () throws(StoreError) in
        Int(try database.scalar("SELECT count(*) FROM sealed_journal") ?? 0)
      }
    }
  }

  package func appendJournal(_ entries: [[UInt8]]) throws {
    guard !entries.isEmpty else { return }
    try using {
      try checkpointIfDue()
      try inTransaction {
        let count = Int(try database.scalar("SELECT count(*) FROM sealed_journal") ?? 0)
        let room = max(SQLiteStore.journalLimit - count, 0)
        try insertJournal(entries.prefix(room), after: count)
        guard entries.count > room else { return }
        let drop = try database.statement(
          """
          INSERT INTO sealed_journal_dropped (id, count) VALUES (1, ?1)
          ON CONFLICT (id) DO UPDATE SET count = count + ?1
          """
        )
        try drop.bind(1, Int64(entries.count - room))
        try drop.run()
      }
    }
  }

  private func insertJournal(_ entries: some Collection<[UInt8]>, after count: Int) throws {
    let append = try database.statement("INSERT INTO sealed_journal (seq, entry) VALUES (?1, ?2)")
    for (offset, entry) in entries.enumerated() {
      try append.bind(1, Int64(count + offset + 1))
      try append.bind(2, entry)
      try append.run()
    }
  }

  // MARK: - Life

  package func initialize(_ contents: InitialContents, keys: StoreKeys) throws {
    try using {
      guard try database.scalar("SELECT count(*) FROM meta") == 0,
        try database.scalar("SELECT count(*) FROM state") == 0
      else { throw StoreError.alreadyInitialized }
      let anchor = try Anchor(path: anchorPath)
      guard try anchor.isBlank() else {
        throw StoreError.insecureFile(
          path: anchorPath,
          problem: "is the anchor of a store that was here before",
          remedy: "restore that store, or move the anchor away"
        )
      }
      let blank = Session(
        keys: keys,
        store: contents.store,
        digests: TableDigests(),
        counter: 0,
        auditSize: 0,
        frontier: [],
        seals: [],
        terms: [],
        meta: [:]
      )
      let transaction = SQLiteTransaction(database, blank)
      defer { transaction.end() }
      try inTransaction {
        try transaction.setMeta(.storeID, contents.store.bytes)
        for (name, value) in contents.meta { try transaction.setMeta(name, value) }
        for seal in contents.seals { try transaction.putSeal(seal) }
        for term in contents.terms { try transaction.insertTerm(term) }
        try transaction.writeFirstState()
        try insertJournal(contents.journal, after: 0)
      }
      try anchor.write(
        transaction.session.counter,
        store: contents.store,
        key: keys.anchorKey,
        durably: true
      )
      self.anchor = anchor
      session = transaction.session
    }
  }

  package func unlock(_ keys: StoreKeys, accepting: Set<Acceptance>) throws -> LoadedState {
    try using {
      guard try database.scalar("SELECT count(*) FROM meta") ?? 0 > 0 else {
        throw StoreError.notInitialized
      }
      var opening = try Opening(database, keys: keys)
      let findings = opening.findings
      // Without its id or its state there is nothing to go on from.
      let isUsable =
        opening.stateIsValid && opening.session.meta[.storeID] == opening.session.store.bytes
      guard findings.isEmpty || (isUsable && accepting.contains(.damage)) else {
        throw StoreError.tampered(findings)
      }
      let anchor = try Anchor(path: anchorPath)
      let anchored = try anchor.read(store: opening.session.store, key: keys.anchorKey)
      let database = opening.session.counter
      var accepted: Set<Acceptance> = findings.isEmpty ? [] : [.damage]
      if opening.compare(with: anchored) {
        guard accepting.contains(.rollback) else {
          throw StoreError.rollbackDetected(database: database, anchor: anchored)
        }
        accepted.insert(.rollback)
      }
      self.anchor = anchor
      session = opening.session
      return opening.loaded(accepted)
    }
  }

  package func lock() {
    gate.withLock { _ in session = nil }
  }

  package var isUnlocked: Bool {
    gate.withLock { _ in session != nil }
  }

  // MARK: - Work

  package func write<R: Sendable>(
    durability: Durability,
    _ body: (any StoreTransaction) throws -> R
  ) throws -> R {
    try using {
      guard let before = session, let anchor else { throw StoreError.sealed }
      // Not after the commit: its callers would wait with their entries on disk, and a failure would be
      // taken for the commit's.
      try checkpointIfDue()
      let transaction = SQLiteTransaction(database, before)
      defer { transaction.end() }
      let result = try inTransaction {
        if !before.damaged.isEmpty { try transaction.moveDamagedRowsAside() }
        let result = try body(transaction)
        try transaction.writeState()
        try markOwed(transaction.owed)
        return result
      }
      // Durable from here on: a failure below stops the process, and the change stays.
      let after = transaction.session
      session = after
      owed.add(transaction.owed)
      do throws(StoreError) {
        try anchor.write(
          after.counter,
          store: after.store,
          key: after.keys.anchorKey,
          durably: durability == .change
        )
      } catch {
        throw StoreError.ioError("the anchor: \(error.words)")
      }
      return result
    }
  }

  package func read<R: Sendable>(_ body: (any StoreReader) throws -> R) throws -> R {
    try using {
      let reader = SQLiteReader(database)
      defer { reader.end() }
      return try body(reader)
    }
  }

  /// Frames that wait in the write-ahead log.
  package var pendingFrames: Int {
    gate.withLock { _ in database.pendingFrames }
  }

  /// Makes the database full at 60 pages, or lifts that again: for tests of a full disk.
  package func limitSize(_ isLimited: Bool) throws {
    try using {
      _ = try database.scalar(
        isLimited ? "PRAGMA max_page_count = 60" : "PRAGMA max_page_count = 1073741823"
      )
    }
  }

  /// Leaves everything in the one database file, without a log, and keeps it locked; the next open
  /// makes a log again.
  package func settle() throws {
    try using { try database.leaveLogMode() }
  }

  /// What is wrong with the anchor of a store that was at `session` before.
  func anchorProblem(notBelow session: Session) throws -> Finding? {
    try using { () throws(StoreError) in
      guard let anchor, let now = self.session else { throw .sealed }
      let anchored = try anchor.read(store: session.store, key: session.keys.anchorKey)
      return Checker.anchorProblem(counter: now.counter, anchored: anchored)
    }
  }

  // MARK: - Under the lock

  /// Runs `body` alone, and remembers an error after which the store must not go on.
  func using<R: Sendable>(_ body: () throws -> R) throws -> R {
    try gate.withLock { _ in
      if let failure { throw failure }
      do {
        let result = try body()
        guard let fatal = database.fatalError else { return result }
        throw fatal
      } catch {
        if let fatal = database.fatalError ?? (error as? StoreError), fatal.isFatal {
          failure = fatal
          database.leaveUntouched()
          throw fatal
        }
        throw error
      }
    }
  }

  /// Runs `body` alone, whatever happened before: to clean up.
  func alone(_ body: () -> Void) {
    gate.withLock { _ in body() }
  }

  /// Runs `body` in an SQLite transaction, and undoes it if it fails.
  private func inTransaction<R>(_ body: () throws -> R) throws -> R {
    try database.statement("BEGIN IMMEDIATE").run()
    do {
      let result = try body()
      try database.statement("COMMIT").run()
      hasMadeRoom = false
      return result
    } catch {
      if database.isInTransaction {
        do throws(StoreError) { try database.execute("ROLLBACK") } catch {
          throw StoreError.ioError("rollback: \(error.words)")
        }
      }
      if !hasMadeRoom, (error as? StoreError) == .full {
        hasMadeRoom = true
        try makeRoom()
      }
      throw error
    }
  }

  /// Moves the log into the database when it is long; a full disk only puts that off.
  func checkpointIfDue(truncate: Bool = false) throws(StoreError) {
    let frames = database.pendingFrames
    guard frames >= stillUntil ?? nextCheckpoint else { return }
    stillUntil = nil
    do {
      try database.checkpoint(truncate: truncate)
      nextCheckpoint = SQLiteStore.checkpointFrames
    } catch .full {
      nextCheckpoint = frames + SQLiteStore.checkpointFrames
    }
  }
}
