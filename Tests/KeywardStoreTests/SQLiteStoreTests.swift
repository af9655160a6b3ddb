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
