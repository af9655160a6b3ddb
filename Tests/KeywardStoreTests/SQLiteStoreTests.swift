import Foundation
import KeywardAudit
import KeywardKeyring
import KeywardModel
import KeywardStore
import Testing

/// The life of a store: opening, sealing, writing, and what a failed write leaves.
@Suite
struct SQLiteStoreTests {
  private struct Stop: Error {}

  @Test
  func whatIsWrittenComesBack() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let key = try sample.key("etcd/prod", versions: 3)
    do {
      let store = try sample.create(in: scratch("data"))
      try store.write(durability: .change) { try $0.insertKey(key) }
    }
    let store = try SQLiteStore.open(directory: scratch("data"))
    #expect(try store.identity == sample.id)
    #expect(!store.isUnlocked)
    let seals = sample.contents.seals
    #expect(try store.seals() == seals)
    #expect(try store.terms().map { $0.number } == [1, 2])
    let state = try store.unlock(sample.keys, accepting: [])
    #expect(state.keys.map(KeyImage.init) == [KeyImage(key)])
    #expect(state.counter == 2)
    #expect(state.accepted.isEmpty && state.findings.isEmpty)
    store.lock()
    #expect(throws: StoreError.sealed) {
      try store.write(durability: .change) { _ in }
    }
  }

  @Test
  func anEmptyStoreIsNotInitialized() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try SQLiteStore.open(directory: scratch("data"))
    #expect(try store.identity == nil)
    #expect(throws: StoreError.notInitialized) { try store.unlock(sample.keys, accepting: []) }
    try store.initialize(sample.contents, keys: sample.keys)
    #expect(throws: StoreError.alreadyInitialized) {
      try store.initialize(sample.contents, keys: sample.keys)
    }
  }

  /// Neither the store without the entry of its making, nor the entry without the store.
  @Test
  func aStoreIsMadeTogetherWithItsEntry() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let contents = { (journal: [[UInt8]]) in
      InitialContents(
        store: sample.id,
        seals: sample.contents.seals,
        terms: sample.contents.terms,
        meta: sample.contents.meta,
        journal: journal
      )
    }
    let store = try SQLiteStore.open(directory: scratch("data"))
    let tooMany = [[UInt8]](repeating: [1], count: SQLiteStore.journalLimit + 1)
    #expect(throws: StoreError.self) {
      try store.initialize(contents(tooMany), keys: sample.keys)
    }
    #expect(try store.identity == nil)
    #expect(try store.journalCount == 0)
    try store.initialize(contents([[1, 2], [3]]), keys: sample.keys)
    #expect(try store.journalCount == 2)
    try store.appendJournal([[4]])
    let drained = try store.write(durability: .change) { try $0.drainJournal() }
    #expect(drained.entries == [[1, 2], [3], [4]])
  }

  @Test
  func anotherRootKeyOpensNothing() throws {
    let scratch = try Scratch()
    let store = try Sample().create(in: scratch("data"))
    store.lock()
    #expect {
      try store.unlock(try Sample().keys, accepting: [.damage, .rollback])
    } throws: { error in
      if case StoreError.tampered = error { true } else { false }
    }
    #expect(!store.isUnlocked)
  }

  @Test
  func aFailedTransactionLeavesNothing() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let kept = try sample.key("kept")
    do {
      let store = try sample.create(in: scratch("data"))
      #expect(throws: Stop.self) {
        try store.write(durability: .change) { transaction in
          try transaction.insertKey(sample.key("lost"))
          try transaction.putSeal(StoredSeal(slot: 7, record: [1]))
          throw Stop()
        }
      }
      try store.write(durability: .change) { transaction in
        try? transaction.savepoint {
          try transaction.insertKey(sample.key("lost/too"))
          throw Stop()
        }
        try transaction.insertKey(kept)
      }
    }
    let store = try SQLiteStore.open(directory: scratch("data"))
    let state = try store.unlock(sample.keys, accepting: [])
    #expect(state.keys.map(KeyImage.init) == [KeyImage(kept)])
    #expect(state.seals.map(\.slot) == [0, 1])
    #expect(state.counter == 2)
  }

  @Test
  func aNameOrKeyIDThatIsTakenIsRefused() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    let key = try sample.key("etcd/prod")
    try store.write(durability: .change) { try $0.insertKey(key) }
    let twin = Key(
      id: try sample.key("x").id,
      name: try KeyName("other"),
      type: .aes256,
      attributes: key.attributes,
      createdAt: key.createdAt,
      versions: key.versions
    )
    for refused in [try sample.key("etcd/prod"), twin] {
      #expect {
        try store.write(durability: .change) { try $0.insertKey(refused) }
      } throws: { error in
        if case StoreError.constraint = error { true } else { false }
      }
    }
    let deleted = key.with(deletedAt: Sample.time)
    try store.write(durability: .change) { transaction in
      try transaction.updateKey(deleted, from: key)
      try transaction.insertKey(sample.key("etcd/prod"))
    }
  }

  @Test
  func aChangeOfARowThatIsAnotherByNowIsAConflict() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    let key = try sample.key("etcd/prod")
    try store.write(durability: .change) { try $0.insertKey(key) }
    let one = key.with(deletedAt: Sample.time)
    try store.write(durability: .change) { try $0.updateKey(one, from: key) }
    #expect {
      try store.write(durability: .change) { try $0.updateKey(one, from: key) }
    } throws: { error in
      if case StoreError.conflict = error { true } else { false }
    }
    #expect(throws: Never.self) { try store.write(durability: .change) { _ in } }
  }

  @Test
  func auditEntriesComeBackInTheirOrder() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    let frontier = try sample.log(600, to: store, from: Frontier())
    let count = try store.read { try $0.auditCount() }
    let last = try store.read { try $0.auditEntries(from: 598, limit: 10) }
    let leaves = try store.read { try $0.leafHashes(10..<20) }
    let tiles = try store.read { try $0.tileHashes(0..<9) }
    let latest = try store.read { try $0.latestCheckpoint() }
    let all = try store.read { try $0.checkpoints(from: 0, limit: 5) }
    #expect(count == 600)
    #expect(last.map(\.index) == [598, 599])
    #expect(leaves.count == 10 && tiles.count == 2)
    #expect(latest?.size == 600 && all == [latest])
    #expect(throws: (any Error).self) {
      try store.write(durability: .auditOnly) {
        try $0.appendAudit(index: 601, entry: [1], leafHash: [UInt8](repeating: 0, count: 32))
      }
    }
    store.lock()
    let state = try store.unlock(sample.keys, accepting: [])
    #expect(state.auditSize == 600)
    #expect(state.frontier == frontier.encoded())
  }

  @Test
  func theSealedJournalIsBoundedAndDrainedOnce() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    store.lock()
    try store.appendJournal([[1], [2]])
    let many = [[UInt8]](repeating: [3], count: SQLiteStore.journalLimit)
    try store.appendJournal(many)
    #expect(try store.journalCount == SQLiteStore.journalLimit)
    _ = try store.unlock(sample.keys, accepting: [])
    let drained = try store.write(durability: .auditOnly) { try $0.drainJournal() }
    #expect(drained.entries.count == SQLiteStore.journalLimit)
    #expect(drained.entries.prefix(3) == [[1], [2], [3]])
    #expect(drained.dropped == 2)
    #expect(try store.journalCount == 0)
    let again = try store.write(durability: .auditOnly) { try $0.drainJournal() }
    #expect(again == DrainedJournal(entries: [], dropped: 0))
  }

  @Test
  func aTransactionIsOverAtItsEnd() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    nonisolated(unsafe) var escaped: (any StoreTransaction)?
    try store.write(durability: .change) { escaped = $0 }
    let key = try sample.key("late")
    #expect(throws: StoreError.misuse("a transaction was used after its end")) {
      try escaped?.insertKey(key)
    }
  }

  /// The bytes of a destroyed version are in no file of the store after `scrub` (V41).
  @Test
  func destroyedMaterialIsGoneFromTheFiles() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    let keys = try (0..<40).map { try sample.key("etcd/k\($0)") }
    try store.write(durability: .change) { transaction in
      for key in keys { try transaction.insertKey(key) }
    }
    try store.scrub(of: [])
    let material = keys[17].versions[0].material
    let isThere = try contents(of: scratch("data/keyward.db")).contains(run: material)
    #expect(isThere)
    try store.write(durability: .change) { transaction in
      let version = keys[17].versions[0]
      try transaction.updateVersion(Sample.destroyed(version), from: version, of: keys[17].id)
    }
    try store.scrub(of: [material])
    for name in try names(in: scratch("data")) {
      let isGone = try !contents(of: scratch("data/" + name)).contains(run: material)
      #expect(isGone, "\(name)")
    }
  }

  /// Pages that SQLite rebalanced keep old copies of cells in their gaps: grown and shrunk at random,
  /// the file still holds none of what was destroyed.
  @Test
  func destroyedMaterialIsGoneFromRebalancedPages() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    let keys = try (0..<400).map { try sample.key("etcd/k\($0)") }
    for run in 0..<20 {
      try store.write(durability: .change) { transaction in
        for key in keys[run * 20..<run * 20 + 20] { try transaction.insertKey(key) }
      }
    }
    let destroyed = keys.enumerated().filter { $0.offset % 7 == 3 }.map(\.element)
    for key in destroyed {
      try store.write(durability: .change) { transaction in
        let version = key.versions[0]
        try transaction.updateVersion(Sample.destroyed(version), from: version, of: key.id)
      }
    }
    for some in destroyed { try store.scrub(of: [some.versions[0].material]) }
    let file = try contents(of: scratch("data/keyward.db"))
    for key in destroyed {
      // Salt and the beginning of the ciphertext.
      let isGone = !file.contains(run: Array(key.versions[0].material[5..<40]))
      #expect(isGone)
    }
    store.lock()
    #expect(try store.unlock(sample.keys, accepting: []).keys.count == 400)
  }

  /// The same while commits come in, which move cells between pages: these wait in the log, so that
  /// the search reads the file of one moment.
  @Test
  func destroyedMaterialIsGoneWhileCommitsGoOn() async throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    let keys = try (0..<400).map { try sample.key("etcd/k\($0)") }
    for run in 0..<20 {
      try store.write(durability: .change) { transaction in
        for key in keys[run * 20..<run * 20 + 20] { try transaction.insertKey(key) }
      }
    }
    let destroyed = keys.enumerated().filter { $0.offset % 7 == 3 }.map(\.element)
    let written = try await withThrowingTaskGroup(of: Int.self) { group in
      group.addTask {
        var count = 0
        while !Task.isCancelled {
          let more = try (0..<20).map { try sample.key("etcd/more\(count)/k\($0)") }
          try store.write(durability: .change) { transaction in
            for key in more { try transaction.insertKey(key) }
          }
          count += 1
          await Task.yield()
        }
        return count
      }
      for key in destroyed {
        try store.write(durability: .change) { transaction in
          let version = key.versions[0]
          try transaction.updateVersion(Sample.destroyed(version), from: version, of: key.id)
        }
        try store.scrub(of: [key.versions[0].material])
      }
      group.cancelAll()
      return try await group.reduce(0, +)
    }
    #expect(written > 0)
    // The log was last emptied before the last search; what it has since is of other keys.
    for name in ["keyward.db", "keyward.db-wal"] {
      let file = try contents(of: scratch("data/" + name))
      for key in destroyed {
        #expect(!file.contains(run: Array(key.versions[0].material[5..<40])), "\(name)")
      }
    }
    store.lock()
    #expect(try store.unlock(sample.keys, accepting: []).keys.count == 400 + 20 * written)
  }

  /// Between the steps of a search commits go to the log alone, however long it grows, and to the file
  /// once it has ended.
  @Test
  func theLogWaitsForTheEndOfASearch() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    try store.write(durability: .change) { try $0.insertKey(sample.key("etcd/a")) }
    try store.scrub(of: [])
    let before = try contents(of: scratch("data/keyward.db"))
    try store.withStillFile {
      for run in 0..<30 {
        try store.write(durability: .change) { transaction in
          for index in 0..<40 { try transaction.insertKey(sample.key("etcd/r\(run)/k\(index)")) }
        }
      }
    }
    #expect(store.pendingFrames > 1000)
    #expect(try contents(of: scratch("data/keyward.db")) == before)
    try store.write(durability: .change) { try $0.insertKey(sample.key("etcd/last")) }
    #expect(store.pendingFrames < 1000)
    #expect(try contents(of: scratch("data/keyward.db")) != before)
  }

  /// More envelopes than are looked for one by one: the file is rebuilt, and the store goes on.
  @Test
  func scrubbingOfManyRebuildsTheFile() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    let keys = try (0..<100).map { try sample.key("etcd/k\($0)") }
    try store.write(durability: .change) { transaction in
      for key in keys { try transaction.insertKey(key) }
    }
    try store.write(durability: .change) { transaction in
      for key in keys {
        let version = key.versions[0]
        try transaction.updateVersion(Sample.destroyed(version), from: version, of: key.id)
      }
    }
    let removed = keys.map { $0.versions[0].material }
    try store.scrub(of: removed)
    let file = try contents(of: scratch("data/keyward.db"))
    for material in removed {
      let isGone = !file.contains(run: Array(material[5..<40]))
      #expect(isGone)
    }
    try store.write(durability: .change) { try $0.insertKey(sample.key("after")) }
    store.lock()
    #expect(try store.unlock(sample.keys, accepting: []).keys.count == 101)
    let report = try store.check(keyring: sample.keyring)
    let database = report.findings.filter { $0.table == "database" }
    #expect(database.isEmpty)
  }

  @Test
  func theLogStaysShort() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    var frontier = Frontier()
    for _ in 0..<60 { frontier = try sample.log(300, to: store, from: frontier) }
    let log = try contents(of: scratch("data/keyward.db-wal")).count
    #expect(log < 6 << 20)
  }

  @Test
  func manyThreadsWriteAndRead() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    let failures = Failures()
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for number in 0..<20 {
        do {
          try store.write(durability: .change) { transaction in
            try transaction.insertKey(sample.key("t\(thread)/k\(number)"))
          }
          _ = try store.read { try $0.auditCount() }
        } catch {
          failures.add("\(error)")
        }
      }
    }
    #expect(failures.words.isEmpty)
    store.lock()
    #expect(try store.unlock(sample.keys, accepting: []).keys.count == 160)
  }

  /// What went wrong on other threads.
  private final class Failures: @unchecked Sendable {
    // Unchecked: a lock guards the words.
    private let lock = NSLock()
    private var all: [String] = []

    func add(_ text: String) { lock.withLock { all.append(text) } }
    var words: [String] { lock.withLock { all } }
  }
}
