import Foundation
import KeywardKeyring
import KeywardModel
import Testing

@testable import KeywardStore

/// What was destroyed is in no file of the store after `scrub`, whatever came in between.
@Suite
struct ScrubTests {
  /// Destroys the first version of a key, of which no copy may stay.
  private static func destroy(_ key: Key, in transaction: any StoreTransaction) throws {
    let version = key.versions[0]
    try transaction.updateVersion(Sample.destroyed(version), from: version, of: key.id)
    try transaction.oweScrub(of: [version.material])
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
    try store.scrub()
    let material = keys[17].versions[0].material
    let isThere = try contents(of: scratch("data/keyward.db")).contains(run: material)
    #expect(isThere)
    try store.write(durability: .change) { transaction in
      try Self.destroy(keys[17], in: transaction)
    }
    try store.scrub()
    for name in try names(in: scratch("data")) {
      let isGone = try !contents(of: scratch("data/" + name)).contains(run: material)
      #expect(isGone, "\(name)")
    }
  }

  /// Makes 400 keys in twenty commits; returns every seventh.
  private static func fill(_ store: SQLiteStore, _ sample: Sample) throws -> [Key] {
    let keys = try (0..<400).map { try sample.key("etcd/k\($0)") }
    for run in 0..<20 {
      try store.write(durability: .change) { transaction in
        for key in keys[run * 20..<run * 20 + 20] { try transaction.insertKey(key) }
      }
    }
    return keys.enumerated().filter { $0.offset % 7 == 3 }.map(\.element)
  }

  /// Pages that SQLite rebalanced keep old copies of cells in their gaps: grown and shrunk at random,
  /// the file still holds none of what was destroyed.
  @Test
  func destroyedMaterialIsGoneFromRebalancedPages() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    let destroyed = try Self.fill(store, sample)
    for key in destroyed {
      try store.write(durability: .change) { try Self.destroy(key, in: $0) }
    }
    try store.scrub()
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
    let destroyed = try Self.fill(store, sample)
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
        try store.write(durability: .change) { try Self.destroy(key, in: $0) }
        try store.scrub()
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

  /// Between the steps of a search commits go to the log alone, and to the file at its end.
  @Test
  func theLogWaitsForTheEndOfASearch() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    try store.write(durability: .change) { try $0.insertKey(sample.key("etcd/a")) }
    try store.scrub()
    let before = try contents(of: scratch("data/keyward.db"))
    try store.withStillFile {
      for run in 0..<30 {
        try store.write(durability: .change) { transaction in
          for index in 0..<40 { try transaction.insertKey(sample.key("etcd/r\(run)/k\(index)")) }
        }
      }
      #expect(store.pendingFrames > 1000)
      #expect(try contents(of: scratch("data/keyward.db")) == before)
    }
    #expect(store.pendingFrames == 0)
    #expect(try contents(of: scratch("data/keyward.db-wal")).isEmpty)
    #expect(try contents(of: scratch("data/keyward.db")) != before)
  }

  /// A log that a commit made long is moved by the next, before it: who waits for the first is not kept.
  @Test(arguments: [false, true])
  func aLongLogIsMovedByTheNextCommit(_ isSealed: Bool) throws {
    let scratch = try Scratch()
    let store = try Sample().create(in: scratch("data"))
    try store.write(durability: .change) { transaction in
      for number in 0..<5 {
        let body = [UInt8](repeating: 7, count: 1 << 20)
        try transaction.insertRecord(
          StoredRecord(kind: .secretVersion, id: "r\(number)", body: body)
        )
      }
    }
    #expect(store.pendingFrames > 1000)
    if isSealed {
      try store.appendJournal([[1]])
    } else {
      try store.write(durability: .auditOnly) { _ in }
    }
    #expect((1..<10).contains(store.pendingFrames))
  }

  /// The log has a limit all the same.
  @Test
  func theLogWaitsSoLongOnly() throws {
    let scratch = try Scratch()
    let store = try Sample().create(in: scratch("data"))
    var longest = 0
    try store.withStillFile {
      for number in 0..<80 {
        try store.write(durability: .change) { transaction in
          let body = [UInt8](repeating: 7, count: 1 << 20)
          try transaction.insertRecord(
            StoredRecord(kind: .secretVersion, id: "r\(number)", body: body)
          )
        }
        longest = max(longest, store.pendingFrames)
      }
      #expect(store.pendingFrames < 5000)
    }
    // The one that goes beyond it is the last: a MiB has some 260 pages.
    #expect((16_000..<16_800).contains(longest))
  }

  /// A search that would need a longer log gives way, and is owed still.
  @Test(.timeLimit(.minutes(1)))
  func aSearchGivesWay() async throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    let key = try sample.key("etcd/k")
    for number in 0..<20 {
      try store.write(durability: .change) { transaction in
        let body = [UInt8](repeating: 7, count: 1 << 20)
        try transaction.insertRecord(
          StoredRecord(kind: .secretVersion, id: "r\(number)", body: body)
        )
      }
    }
    try store.write(durability: .change) { try $0.insertKey(key) }
    try store.write(durability: .change) { try Self.destroy(key, in: $0) }
    var hasGivenWay = false
    await withTaskGroup { group in
      group.addTask {
        while !Task.isCancelled { try? store.write(durability: .change) { _ in } }
      }
      while !hasGivenWay {
        do {
          try store.write(durability: .change) {
            try $0.oweScrub(of: [key.versions[0].material])
          }
          try store.scrub(mostFrames: 4)
        } catch StoreError.limit {
          hasGivenWay = true
        } catch {
          Issue.record("\(error)")
          break
        }
      }
      group.cancelAll()
    }
    #expect(hasGivenWay && FileManager.default.fileExists(atPath: scratch("data/scrub-owed")))
    #expect(try store.scrub() == false)
    #expect(!FileManager.default.fileExists(atPath: scratch("data/scrub-owed")))
  }

  /// A disk that the log fills, during a search and after it: one commit is refused, and the next finds room.
  @Test(.enabled(if: Mount.isPossible, "needs root to mount a small disk"))
  func theLogGivesAFullDiskBack() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let mount = try Mount(at: scratch("disk"), size: "2m")
    let store = try sample.create(in: scratch("disk/data"))
    var record = Self.records[0]
    try store.write(durability: .change) { try $0.insertRecord(record) }
    var refusals = 0
    try store.withStillFile {
      for number in 0..<100 {
        let next = StoredRecord(
          kind: record.kind,
          id: record.id,
          body: record.body.map { $0 ^ UInt8(number) }
        )
        let replace = {
          try store.write(durability: .change) { try $0.updateRecord(next, from: record) }
        }
        do {
          try replace()
        } catch StoreError.full {
          refusals += 1
          try replace()
        }
        record = next
      }
    }
    #expect(refusals > 0)
    store.lock()
    #expect(try store.unlock(sample.keys, accepting: []).records == [record])
    mount.keep()
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
      for key in keys { try Self.destroy(key, in: transaction) }
    }
    let removed = keys.map { $0.versions[0].material }
    try store.scrub()
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

  // MARK: - What is owed

  /// Large records that are envelopes, of which a rebuilt file is so much smaller.
  private static let records = (0..<8).map { number in
    StoredRecord(
      kind: .secretVersion,
      id: "r\(number)",
      body: [1] + (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* (number + 3)) }
    )
  }

  private static func size(_ scratch: Scratch) throws -> Int {
    try contents(of: scratch("data/keyward.db")).count
  }

  /// What a process owed that was killed is searched for by the next one.
  @Test
  func whatAKilledProcessOwedIsLookedFor() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let mark = scratch("data/scrub-owed")
    let full: Int
    do {
      let store = try sample.create(in: scratch("data"))
      try store.write(durability: .change) { transaction in
        for record in Self.records { try transaction.insertRecord(record) }
      }
      #expect(try store.scrub() == false)
      full = try Self.size(scratch)
      #expect(full > 800_000 && !FileManager.default.fileExists(atPath: mark))
      for record in Self.records.dropFirst() {
        try store.write(durability: .change) { transaction in
          try transaction.deleteRecord(record)
          try transaction.oweScrub(of: [record.body])
        }
        #expect(FileManager.default.fileExists(atPath: mark))
      }
    }
    // A salt of each, in their order; what was cut off in the middle was never owed.
    let salts = Self.records.dropFirst().flatMap { $0.body[5..<29] }
    #expect(try contents(of: mark) == salts)
    let handle = try #require(FileHandle(forWritingAtPath: mark))
    try handle.seekToEnd()
    try handle.write(contentsOf: [1, 2, 3])
    try handle.close()
    let store = try SQLiteStore.open(directory: scratch("data"))
    #expect(try store.scrub() == false)
    // Nothing of it was left, so nothing was rebuilt.
    #expect(try Self.size(scratch) == full)
    #expect(!FileManager.default.fileExists(atPath: mark))
    #expect(try store.unlock(sample.keys, accepting: []).records == [Self.records[0]])
  }

  /// The mark is made before the commit: after a crash between them it names what is there by right.
  @Test
  func aMarkOfAChangeThatNeverCameIsSettled() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let mark = scratch("data/scrub-owed")
    do {
      let store = try sample.create(in: scratch("data"))
      try store.write(durability: .change) { transaction in
        for record in Self.records { try transaction.insertRecord(record) }
      }
      try store.scrub()
    }
    #expect(
      FileManager.default.createFile(
        atPath: mark,
        contents: Data(Self.records[0].body[5..<29] + [1, 2, 3]),
        attributes: [.posixPermissions: 0o600]
      )
    )
    let store = try SQLiteStore.open(directory: scratch("data"))
    #expect(try store.unlock(sample.keys, accepting: []).records == Self.records)
    // What was cut short moves nothing that comes after it.
    let other = [UInt8](repeating: 9, count: 29)
    try store.write(durability: .change) { try $0.oweScrub(of: [other]) }
    #expect(try contents(of: mark) == Array(Self.records[0].body[5..<29]) + other[5...])
    #expect(try store.scrub() == false)
    #expect(!FileManager.default.fileExists(atPath: mark))
    // And what is owed from here on is certain again.
    try store.write(durability: .change) { try $0.oweScrub(of: [Self.records[0].body]) }
    #expect(throws: StoreError.self) { try store.scrub() }
  }

  /// Of more than are kept nothing is known but that they are owed: the file is rebuilt, also by the next
  /// process, and what comes in meanwhile is owed still.
  @Test
  func tooManyToKnowAreRebuiltAway() throws {
    let many = (0..<4097).map { number in
      [UInt8](repeating: 9, count: 25) + withUnsafeBytes(of: UInt32(number)) { Array($0) }
    }
    var owed = OwedScrubs()
    owed.add(many)
    #expect(owed.next.isRebuild && owed.kept == 0)
    let rebuilt = owed.rebuild
    owed.add(many)
    owed.settle(rebuilt)
    #expect(owed.next.isRebuild && !owed.isEmpty)
    owed.settle(owed.rebuild)
    #expect(owed.isEmpty)
    owed.add(Array(many.prefix(100)))
    #expect(!owed.next.isRebuild && owed.next.salts.count == 64)
    owed.settle(owed.next)
    #expect(owed.next.salts.count == 36)
    #expect(OwedScrubs(mark: [UInt8](repeating: 1, count: 4097 * 24)).next.isRebuild)
    #expect(OwedScrubs(mark: [UInt8](repeating: 1, count: 23)).isEmpty)
  }

  /// What this process owes is looked for, and the file is left as it is where nothing is found.
  @Test
  func aSearchThatFindsNothingRebuildsNothing() throws {
    let scratch = try Scratch()
    let store = try Sample().create(in: scratch("data"))
    try store.write(durability: .change) { transaction in
      for record in Self.records { try transaction.insertRecord(record) }
    }
    try store.scrub()
    let full = try Self.size(scratch)
    try store.write(durability: .change) { transaction in
      try transaction.deleteRecord(Self.records[1])
      try transaction.oweScrub(of: [Self.records[1].body])
    }
    #expect(try store.scrub() == false)
    #expect(try Self.size(scratch) == full)
    #expect(try names(in: scratch("data")) == ["anchor", "keyward.db", "keyward.db-wal"])
  }

  /// One call looks for some changes at once, and says that there are more.
  @Test
  func aSearchIsBounded() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    let keys = try (0..<70).map { try sample.key("etcd/k\($0)") }
    try store.write(durability: .change) { transaction in
      for key in keys { try transaction.insertKey(key) }
    }
    for key in keys { try store.write(durability: .change) { try Self.destroy(key, in: $0) } }
    #expect(try store.scrub())
    #expect(FileManager.default.fileExists(atPath: scratch("data/scrub-owed")))
    #expect(try store.scrub() == false)
    #expect(!FileManager.default.fileExists(atPath: scratch("data/scrub-owed")))
  }

  /// A change, or a part of one, that did not come about owes nothing.
  @Test
  func whatIsUndoneOwesNothing() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    let key = try sample.key("etcd/k")
    try store.write(durability: .change) { try $0.insertKey(key) }
    #expect(throws: Sample.Missing.self) {
      try store.write(durability: .change) { transaction in
        try Self.destroy(key, in: transaction)
        throw Sample.Missing()
      }
    }
    _ = try store.write(durability: .change) { transaction in
      #expect(throws: Sample.Missing.self) {
        try transaction.savepoint {
          try Self.destroy(key, in: transaction)
          throw Sample.Missing()
        }
      }
    }
    #expect(!FileManager.default.fileExists(atPath: scratch("data/scrub-owed")))
  }

  /// A rebuild that has no room is owed still, and done once there is some.
  @Test(.enabled(if: Mount.isPossible, "needs root to mount a small disk"))
  func aRebuildWithoutRoomIsStillOwed() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let mount = try Mount(at: scratch("disk"), size: "4m")
    let store = try sample.create(in: scratch("disk/data"))
    let keys = try (0..<100).map { try sample.key("etcd/k\($0)") }
    try store.write(durability: .change) { transaction in
      for key in keys { try transaction.insertKey(key) }
      for record in Self.records { try transaction.insertRecord(record) }
    }
    try store.write(durability: .change) { transaction in
      for key in keys { try Self.destroy(key, in: transaction) }
      // More than are known: only a rebuild settles them.
      try transaction.oweScrub(of: Array(repeating: [UInt8](repeating: 9, count: 29), count: 4097))
    }
    // With an empty log, room for a part of a copy.
    try store.withStillFile {}
    try mount.resize(to: "1400k")
    for _ in 0..<2 { #expect(throws: StoreError.full) { try store.scrub() } }
    #expect(FileManager.default.fileExists(atPath: scratch("disk/data/scrub-owed")))
    try mount.resize(to: "4m")
    #expect(try store.scrub() == false)
    #expect(!FileManager.default.fileExists(atPath: scratch("disk/data/scrub-owed")))
    let file = try contents(of: scratch("disk/data/keyward.db"))
    for key in keys {
      let isGone = !file.contains(run: Array(key.versions[0].material[5..<40]))
      #expect(isGone)
    }
    mount.keep()
  }
}
