import Foundation
import KeywardAudit
import KeywardCrypto
import KeywardKeyring
import KeywardModel
import KeywardStore
import Testing

/// Backups: consistent under load, refused when one byte is wrong, and no way around a limit.
@Suite
struct BackupTests {
  private func backup(_ store: SQLiteStore) throws -> [UInt8] {
    let writer = try BackupWriter(store, at: Sample.time)
    var bytes: [UInt8] = []
    while let piece = try writer.next() { bytes += piece }
    return bytes
  }

  /// Hands out bytes in pieces of odd sizes.
  private final class Source {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func read(_ count: Int) -> [UInt8] {
      let end = min(offset + min(count, 10_007), bytes.count)
      defer { offset = end }
      return Array(bytes[offset..<end])
    }
  }

  @discardableResult
  private func restore(
    _ bytes: [UInt8],
    _ rootKey: RootKey,
    to directory: String,
    mode: Restore.Mode = .newStore
  ) throws -> Restore.Summary {
    try Restore.run(
      try BackupReader(Source(bytes).read),
      rootKey: rootKey,
      directory: directory,
      mode: mode
    )
  }

  private func problem(_ body: () throws -> Void) -> StoreError? {
    do {
      try body()
      return nil
    } catch {
      return error as? StoreError
    }
  }

  @Test
  func aRestoredStoreIsTheSameAndAsksOnce() throws {
    let image = try SampleImage.shared.get()
    let sample = image.sample
    let scratch = try Scratch()
    try image.place(image.database, in: scratch("data"))
    let store = try SQLiteStore.open(directory: scratch("data"))
    _ = try store.unlock(sample.keys, accepting: [])
    let bytes = try backup(store)
    let header = try BackupReader(Source(bytes).read).header
    #expect(header.store == sample.id && header.createdAt == Sample.time && header.counter == 5)
    #expect(header.seals == image.state.seals)

    let summary = try restore(bytes, sample.rootKey, to: scratch("new"))
    #expect(summary.keys == image.state.keys.count && summary.keptAside == nil)
    let files = try names(in: scratch("new"))
    #expect(files == ["keyward.db"])
    #expect(try mode(of: scratch("new")) == 0o700)
    #expect(try mode(of: scratch("new/keyward.db")) == 0o600)
    #expect(try names(in: scratch.path) == ["data", "new"])
    let restored = try SQLiteStore.open(directory: scratch("new"))
    #expect(throws: StoreError.rollbackDetected(database: 5, anchor: nil)) {
      try restored.unlock(sample.keys, accepting: [])
    }
    let state = try restored.unlock(sample.keys, accepting: [.rollback])
    #expect(StateImage(state) == image.state)
    #expect(state.accepted == [.rollback])
    let report = try restored.check(keyring: sample.keyring)
    #expect(report.findings.allSatisfy { $0.table == "anchor" })
    try restored.write(durability: .change) { _ in }
    restored.lock()
    #expect(throws: Never.self) { try restored.unlock(sample.keys, accepting: []) }
    // The one it came from is as it was, with nothing left over.
    #expect(try names(in: scratch("data")).allSatisfy { !$0.hasPrefix("copy-") })
  }

  @Test
  func everyDamageOfABackupIsNoticedAndChangesNothing() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    _ = try sample.log(700, to: store, from: Frontier())
    let bytes = try backup(store)
    #expect(bytes.count > 3 * 64 << 10)
    let whole = try BackupReader(Source(bytes).read).header
    var damaged: [[UInt8]] = []
    for offset in stride(from: 0, to: bytes.count, by: bytes.count / 60) {
      var copy = bytes
      copy[offset] ^= 1
      damaged.append(copy)
    }
    for offset in stride(from: 0, to: min(bytes.count, 400), by: 7) {
      var copy = bytes
      copy[offset] ^= 0x80
      damaged.append(copy)
    }
    for count in [0, 5, 11, 100, bytes.count / 2, bytes.count - 1] {
      damaged.append(Array(bytes.prefix(count)))
    }
    damaged.append(bytes + [0])
    damaged.append(bytes + bytes)
    // Whole chunks cut off, exchanged and doubled.
    let chunks = chunks(of: bytes)
    #expect(chunks.body.count >= 4)
    damaged.append(chunks.head + chunks.body.dropLast().flatMap { $0 })
    damaged.append(chunks.head)
    damaged.append(chunks.head + (chunks.body.dropFirst()).flatMap { $0 })
    var exchanged = chunks.body
    exchanged.swapAt(0, 1)
    damaged.append(chunks.head + exchanged.flatMap { $0 })
    damaged.append(chunks.head + ([chunks.body[0]] + chunks.body).flatMap { $0 })
    // A chunk of another backup of the same store.
    let other = self.chunks(of: try backup(store))
    damaged.append(chunks.head + ([other.body[0]] + chunks.body.dropFirst()).flatMap { $0 })
    damaged.append(other.head + chunks.body.flatMap { $0 })
    for (number, bytes) in damaged.enumerated() {
      let refusal = problem { try restore(bytes, sample.rootKey, to: scratch("new")) }
      guard case .badBackup = refusal else {
        Issue.record("\(number): \(String(describing: refusal))")
        continue
      }
      #expect(try names(in: scratch.path) == ["data"])
    }
    let stranger = problem { try restore(bytes, try Sample().rootKey, to: scratch("new")) }
    #expect(stranger == .badBackup("it was altered, or is of another root key"))
    #expect(whole.counter == 2)
  }

  private func chunks(of bytes: [UInt8]) -> (head: [UInt8], body: [[UInt8]]) {
    func length(_ offset: Int) -> Int {
      bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    var offset = 12 + length(8)
    let head = Array(bytes[..<offset])
    var body: [[UInt8]] = []
    while offset < bytes.count {
      let end = offset + 4 + length(offset)
      body.append(Array(bytes[offset..<end]))
      offset = end
    }
    return (head, body)
  }

  @Test
  func aFolderThatIsInUseIsNotRestoredInto() throws {
    let image = try SampleImage.shared.get()
    let sample = image.sample
    let scratch = try Scratch()
    try image.place(image.database, in: scratch("data"))
    let store = try SQLiteStore.open(directory: scratch("data"))
    _ = try store.unlock(sample.keys, accepting: [])
    let bytes = try backup(store)
    guard
      case .insecureFile = problem({ try restore(bytes, sample.rootKey, to: scratch("data")) })
    else {
      Issue.record("a folder that is not empty was taken")
      return
    }
    let busy = problem {
      try restore(
        bytes,
        sample.rootKey,
        to: scratch("data"),
        mode: .replace(ignoringDamage: true)
      )
    }
    guard case .locked = busy else {
      Issue.record("\(String(describing: busy))")
      return
    }
    _ = try Sample().create(in: scratch("other"))
    let foreign = problem {
      try restore(
        bytes,
        sample.rootKey,
        to: scratch("other"),
        mode: .replace(ignoringDamage: true)
      )
    }
    guard case .badBackup = foreign else {
      Issue.record("\(String(describing: foreign))")
      return
    }
  }

  /// P11: a restore loosens nothing that was tightened since.
  @Test
  func limitsOfTheExistingStoreAreCarriedOver() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let attributes = KeyAttributes(operations: [.encrypt, .decrypt, .export])
    let tight = try sample.key("tight", versions: 3, attributes: attributes)
    let gone = try sample.key("gone", versions: 2)
    let same = try sample.key("same")
    var bytes: [UInt8] = []
    do {
      let store = try sample.create(in: scratch("data"))
      try store.write(durability: .change) { transaction in
        for key in [tight, gone, same] { try transaction.insertKey(key) }
      }
      bytes = try backup(store)
      try store.write(durability: .change) { transaction in
        let now = tight.with(
          attributes: KeyAttributes(
            operations: [.encrypt, .decrypt],
            neverExportable: true,
            deletionProtected: true,
            allowedDestinations: ["aws"],
            requiredApprovals: 3
          )
        )
        try transaction.updateKey(now, from: tight)
        var compromised = tight.versions[0]
        compromised.state = .compromised
        try transaction.updateVersion(compromised, from: tight.versions[0], of: tight.id)
        let destroyed = Sample.destroyed(tight.versions[1])
        try transaction.updateVersion(destroyed, from: tight.versions[1], of: tight.id)
        var due = tight.versions[2]
        due.destroyAt = Sample.time
        due.state = .suspended
        try transaction.updateVersion(due, from: tight.versions[2], of: tight.id)
        try transaction.updateKey(gone.with(deletedAt: Sample.time), from: gone)
        for version in gone.versions {
          try transaction.updateVersion(Sample.destroyed(version), from: version, of: gone.id)
        }
        try transaction.insertKey(sample.key("newer"))
      }
    }
    let summary = try restore(
      bytes,
      sample.rootKey,
      to: scratch("data"),
      mode: .replace(ignoringDamage: false)
    )
    #expect(summary.carriedOver.count == 2)
    #expect(summary.lost == ["newer"])
    let aside = try Sample.some(summary.keptAside)
    #expect(try mode(of: aside) == 0o600)

    let store = try SQLiteStore.open(directory: scratch("data"))
    guard
      case .rollbackDetected(_, .some) = problem({
        _ = try store.unlock(sample.keys, accepting: [])
      })
    else {
      Issue.record("the restore was not noticed")
      return
    }
    let state = try store.unlock(sample.keys, accepting: [.rollback])
    let found = try Sample.some(state.keys.first { $0.id == tight.id })
    #expect(
      found.attributes
        == KeyAttributes(
          operations: [.encrypt, .decrypt],
          neverExportable: true,
          deletionProtected: true,
          allowedDestinations: ["aws"],
          requiredApprovals: 3
        )
    )
    #expect(found.versions.map(\.state) == [.compromised, .destroyed, .suspended])
    #expect(found.versions[1].material.isEmpty && found.versions[2].destroyAt == Sample.time)
    // Material that is left opens for the tightened attributes.
    let context = MaterialContext(key: tight.id, version: 1, type: .aes256, neverExportable: true)
    #expect(throws: Never.self) {
      _ = try sample.keyring.unwrapMaterial(found.versions[0].material, context)
    }
    let deleted = try Sample.some(state.keys.first { $0.id == gone.id })
    #expect(deleted.deletedAt == Sample.time)
    #expect(deleted.versions.allSatisfy { $0.state == .destroyed && $0.material.isEmpty })
    #expect(state.keys.contains { KeyImage($0) == KeyImage(same) })
    let removed = gone.versions.map(\.material) + [tight.versions[1].material]
    try store.write(durability: .change) { try $0.oweScrub(of: removed) }
    try store.scrub()
    let database = try contents(of: scratch("data/keyward.db"))
    for material in removed {
      let isGone = !database.contains(run: material)
      #expect(isGone)
    }
  }

  /// V21: a token that was revoked after a backup does not come back with it.
  @Test
  func aRestoreLeavesOutWhatLetsSomebodyIn() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    // The bodies of the others are read by the check of a backup; these may be anything here.
    let checked: Set<RecordKind> = [.environment, .secret, .secretVersion]
    let records = RecordKind.allCases.filter { !checked.contains($0) }
      .map { StoredRecord(kind: $0, id: "one", body: [1]) }
    var bytes: [UInt8] = []
    do {
      let store = try sample.create(in: scratch("data"))
      try store.write(durability: .change) { transaction in
        for record in records { try transaction.insertRecord(record) }
      }
      bytes = try backup(store)
      try store.write(durability: .change) { transaction in
        for record in records { try transaction.deleteRecord(record) }
      }
    }
    _ = try restore(
      bytes,
      sample.rootKey,
      to: scratch("data"),
      mode: .replace(ignoringDamage: false)
    )
    let store = try SQLiteStore.open(directory: scratch("data"))
    let state = try store.unlock(sample.keys, accepting: [.rollback])
    #expect(
      Set(state.records.map(\.kind)) == [
        .authority, .cluster, .destination, .export, .issuer, .policy, .role, .secretUse,
      ]
    )
  }

  @Test
  func aRestoreOfTheSameStateAsksToo() throws {
    let image = try SampleImage.shared.get()
    let sample = image.sample
    let scratch = try Scratch()
    try image.place(image.database, in: scratch("data"))
    var bytes: [UInt8] = []
    do {
      let store = try SQLiteStore.open(directory: scratch("data"))
      _ = try store.unlock(sample.keys, accepting: [])
      bytes = try backup(store)
    }
    try restore(bytes, sample.rootKey, to: scratch("data"), mode: .replace(ignoringDamage: false))
    #expect(try image.judge(scratch("data")) == .refused(.rollbackDetected(database: 5, anchor: 6)))
  }

  @Test
  func aDestroyedStoreIsReplacedWhenAsked() throws {
    let image = try SampleImage.shared.get()
    let sample = image.sample
    let scratch = try Scratch()
    try image.place(image.database, in: scratch("data"))
    var bytes: [UInt8] = []
    do {
      let store = try SQLiteStore.open(directory: scratch("data"))
      _ = try store.unlock(sample.keys, accepting: [])
      bytes = try backup(store)
    }
    try write([UInt8](repeating: 0x41, count: 30_000), to: scratch("data/keyward.db"))
    let refusal = problem {
      try restore(
        bytes,
        sample.rootKey,
        to: scratch("data"),
        mode: .replace(ignoringDamage: false)
      )
    }
    #expect(refusal == .notADatabase(path: scratch("data/keyward.db")))
    let summary = try restore(
      bytes,
      sample.rootKey,
      to: scratch("data"),
      mode: .replace(ignoringDamage: true)
    )
    let aside = try contents(of: try Sample.some(summary.keptAside))
    #expect(aside == [UInt8](repeating: 0x41, count: 30_000))
    let store = try SQLiteStore.open(directory: scratch("data"))
    let state = try store.unlock(sample.keys, accepting: [.rollback])
    #expect(Set(state.keys.map(KeyImage.init)) == image.state.keys)
  }

  /// Writes go on while a backup is made, and each backup is one moment: pairs stay together.
  @Test
  func aBackupUnderLoadIsOneMoment() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    let filler = try (0..<300).map { try sample.key("filler/k\($0)", versions: 3) }
    try store.write(durability: .change) { transaction in
      for key in filler { try transaction.insertKey(key) }
    }
    let done = Flag()
    let thread = Thread {
      var number = 0
      while !done.isSet {
        number += 1
        let count = number
        try? store.write(durability: .change) { transaction in
          try transaction.insertKey(sample.key("pair/a\(count)"))
          try transaction.insertKey(sample.key("pair/b\(count)"))
        }
      }
      done.finish()
    }
    thread.start()
    var counters: [UInt64] = []
    for number in 0..<4 {
      let bytes = try backup(store)
      let folder = scratch("new\(number)")
      let summary = try restore(bytes, sample.rootKey, to: folder)
      counters.append(summary.header.counter)
      let copy = try SQLiteStore.open(directory: folder)
      let state = try copy.unlock(sample.keys, accepting: [.rollback])
      let pairs = state.keys.filter { $0.name.description.hasPrefix("pair/") }
      #expect(pairs.count == 2 * (Int(state.counter) - 2))
      #expect(state.counter == summary.header.counter)
    }
    done.set()
    done.wait()
    #expect(counters == counters.sorted() && counters[3] > counters[0])
  }

  @Test
  func aBackupGivenUpLeavesNothing() throws {
    let scratch = try Scratch()
    let store = try Sample().create(in: scratch("data"))
    do {
      let writer = try BackupWriter(store, at: Sample.time)
      _ = try writer.next()
      writer.close()
      #expect(try writer.next() == nil)
    }
    do {
      let writer = try BackupWriter(store, at: Sample.time)
      _ = try writer.next()
    }
    #expect(try names(in: scratch("data")) == ["anchor", "keyward.db", "keyward.db-wal"])
    store.lock()
    #expect(throws: StoreError.sealed) { try BackupWriter(store, at: Sample.time) }
    try write([1], to: scratch("data/copy-0011"))
    #expect(throws: Never.self) { try store.scrub() }
  }

  /// A flag between two threads.
  private final class Flag: @unchecked Sendable {
    // Unchecked: a condition guards both.
    private let condition = NSCondition()
    private var isStopping = false
    private var isOver = false

    var isSet: Bool { condition.withLock { isStopping } }
    func set() { condition.withLock { isStopping = true } }

    func finish() {
      condition.withLock {
        isOver = true
        condition.broadcast()
      }
    }

    func wait() {
      condition.withLock {
        while !isOver { condition.wait() }
      }
    }
  }
}
