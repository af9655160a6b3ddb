import Foundation
import KeywardModel
import KeywardStore
import Testing

/// What somebody who can write the files can do: nothing that goes unnoticed.
///
/// Each damaged store is opened with all keys and compared with what was written, then `fsck` runs.
/// The verdict is never `wrong`.
@Suite(.serialized)
struct TamperTests {
  private static let isLong = ProcessInfo.processInfo.environment["KEYWARD_LONG_TESTS"] != nil

  @Test
  func theImageItselfIsFine() throws {
    let image = try SampleImage.shared.get()
    let scratch = try Scratch()
    try image.place(image.database, in: scratch("data"))
    #expect(try image.judge(scratch("data")) == .harmless)
    #expect(image.database.count > 40_000)
  }

  /// Every byte with KEYWARD_LONG_TESTS, else some hundred, by a step that meets all offsets.
  @Test
  func everyFlippedByteIsDetectedOrHarmless() throws {
    let image = try SampleImage.shared.get()
    let scratch = try Scratch()
    let step = TamperTests.isLong ? 1 : 211
    var detected = 0
    var tried = 0
    for offset in stride(from: 0, to: image.database.count, by: step) {
      var damaged = image.database
      damaged[offset] ^= UInt8(1 << (offset % 8)) | (offset.isMultiple(of: 3) ? 0x80 : 0)
      try image.place(damaged, in: scratch("data"))
      let verdict = try image.judge(scratch("data"))
      if case .wrong(let words) = verdict { Issue.record("byte \(offset): \(words)") }
      if verdict != .harmless { detected += 1 }
      tried += 1
    }
    print("flipped bytes: \(tried) tried, \(detected) detected, the others harmless")
    #expect(detected > tried / 5)
  }

  /// Cells exchanged, attributes edited, rows deleted, doubled and put back, with Python's SQLite.
  @Test
  func everyEditOfARowIsDetectedAndFsckNamesIt() throws {
    let image = try SampleImage.shared.get()
    let scratch = try Scratch()
    try write(image.database, to: scratch("now.db"))
    try write(image.older, to: scratch("older.db"))
    try FileManager.default.createDirectory(
      atPath: scratch("out"),
      withIntermediateDirectories: false
    )
    let lines = try Oracle.run(
      "store_mutate.py",
      scratch("now.db"),
      scratch("older.db"),
      scratch("out")
    ).split(separator: "\n")
    #expect(lines.count > 200)
    for line in lines {
      let parts = line.split(separator: "\t").map { String($0) }
      try image.place(try contents(of: scratch("out/" + parts[0])), in: scratch("data"))
      let verdict = try image.judge(scratch("data"))
      switch verdict {
      case .refused: break
      // A second state row is never read.
      case .found where parts[1] == "state" && parts[3] == "doubled": break
      default: Issue.record("\(parts): \(verdict)")
      }
      let report = try Fsck(directory: scratch("data")).check(rootKey: image.sample.rootKey)
      #expect(!report.isClean, "\(parts)")
      // A version that is missing is named by its key; a row that is itself valid but of another
      // time is known by the set of its table alone.
      let owner = parts[2].split(separator: "/")[0]
      let isNamed = report.findings.contains {
        $0.row.hasPrefix(owner) || parts[3].hasSuffix(" " + $0.row) || $0.table == "database"
          || ($0.table == parts[1] && $0.row.isEmpty)
          // An older state row fits none of the tables.
          || (parts[1] == "state" && report.findings.count >= 4)
      }
      #expect(isNamed, "\(parts): \(report.findings)")
      if parts[3].hasSuffix("edited") && parts[1] != "state" {
        let row = report.findings.contains { $0.table == parts[1] && $0.row == parts[2] }
        #expect(row, "\(parts): \(report.findings)")
      }
    }
  }

  @Test
  func anOlderFileIsARollback() throws {
    let image = try SampleImage.shared.get()
    let scratch = try Scratch()
    try image.place(image.older, in: scratch("data"))
    let verdict = try image.judge(scratch("data"))
    #expect(verdict == .refused(.rollbackDetected(database: 3, anchor: 5)))
    let store = try SQLiteStore.open(directory: scratch("data"))
    let state = try store.unlock(image.sample.keys, accepting: [.rollback])
    #expect(state.accepted == [.rollback])
    store.lock()
    // Nothing was written yet, so it asks again; the first write makes it good.
    #expect(throws: StoreError.rollbackDetected(database: 3, anchor: 5)) {
      try store.unlock(image.sample.keys, accepting: [])
    }
    _ = try store.unlock(image.sample.keys, accepting: [.rollback])
    try store.write(durability: .change) { _ in }
    store.lock()
    #expect(try store.unlock(image.sample.keys, accepting: []).counter == 6)
  }

  @Test(arguments: ["missing", "empty", "noise", "cut", "other store", "both slots edited"])
  func anAnchorThatSaysNothingIsARollback(_ kind: String) throws {
    let image = try SampleImage.shared.get()
    let scratch = try Scratch()
    var anchor = image.anchor
    switch kind {
    case "empty", "missing": anchor = []
    case "noise": anchor = [UInt8](repeating: 0xa5, count: anchor.count)
    case "cut": anchor = Array(anchor.prefix(40))
    case "other store":
      _ = try Sample().create(in: scratch("other"))
      anchor = try contents(of: scratch("other/anchor"))
    default:
      anchor[30] ^= 1
      anchor[512 + 30] ^= 1
    }
    try image.place(image.database, anchor: anchor, in: scratch("data"))
    if kind == "missing" { try FileManager.default.removeItem(atPath: scratch("data/anchor")) }
    let verdict = try image.judge(scratch("data"))
    #expect(verdict == .refused(.rollbackDetected(database: 5, anchor: nil)))
    let report = try Fsck(directory: scratch("data")).check(rootKey: image.sample.rootKey)
    #expect(report.findings.map(\.table) == ["anchor"])
  }

  /// One slot is always one change behind, so a write that is cut leaves a valid anchor.
  @Test
  func aTornAnchorSlotIsHarmless() throws {
    let image = try SampleImage.shared.get()
    let scratch = try Scratch()
    for offset in [10, 512 + 10] {
      var anchor = image.anchor
      anchor[offset] ^= 1
      try image.place(image.database, anchor: anchor, in: scratch("data"))
      #expect(try image.judge(scratch("data")) == .harmless)
    }
  }

  @Test
  func anAnchorElsewhereNoticesAnOlderFolder() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    try FileManager.default.createDirectory(
      atPath: scratch("elsewhere"),
      withIntermediateDirectories: false,
      attributes: [.posixPermissions: 0o700]
    )
    let anchor = scratch("elsewhere/anchor")
    _ = try sample.create(in: scratch("data"), anchorPath: anchor)
    try FileManager.default.copyItem(atPath: scratch("data"), toPath: scratch("copy"))
    do {
      let store = try SQLiteStore.open(directory: scratch("data"), anchorPath: anchor)
      _ = try store.unlock(sample.keys, accepting: [])
      try store.write(durability: .change) { try $0.insertKey(sample.key("k")) }
    }
    let old = try SQLiteStore.open(directory: scratch("copy"), anchorPath: anchor)
    #expect(throws: StoreError.rollbackDetected(database: 1, anchor: 2)) {
      try old.unlock(sample.keys, accepting: [])
    }
  }

  /// A log cut or damaged anywhere is an older database, or the same one.
  @Test
  func aDamagedLogIsARollbackOrHarmless() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    try store.scrub()
    let key = try sample.key("etcd/k")
    try store.write(durability: .change) { try $0.insertKey(key) }
    try store.write(durability: .change) { try $0.insertKey(sample.key("etcd/l")) }
    store.lock()
    let state = StateImage(try store.unlock(sample.keys, accepting: []))
    let database = try contents(of: scratch("data/keyward.db"))
    let log = try contents(of: scratch("data/keyward.db-wal"))
    let anchor = try contents(of: scratch("data/anchor"))
    var images: [[UInt8]] = stride(from: 0, to: log.count, by: 1000).map { Array(log.prefix($0)) }
    for offset in stride(from: 0, to: log.count, by: 397) {
      var damaged = log
      damaged[offset] ^= 0x10
      images.append(damaged)
    }
    var refused = 0
    for image in images {
      let folder = scratch("copy")
      try? FileManager.default.removeItem(atPath: folder)
      try FileManager.default.createDirectory(
        atPath: folder,
        withIntermediateDirectories: false,
        attributes: [.posixPermissions: 0o700]
      )
      try write(database, to: folder + "/keyward.db")
      try write(image, to: folder + "/keyward.db-wal")
      try write(anchor, to: folder + "/anchor")
      do {
        let copy = try SQLiteStore.open(directory: folder)
        let loaded = StateImage(try copy.unlock(sample.keys, accepting: []))
        #expect(loaded == state)
      } catch is StoreError {
        refused += 1
      }
    }
    #expect(refused > images.count / 2)
  }

  /// Accepted damage leaves out the keys it hit, keeps the others, and the store is whole again.
  @Test
  func acceptedDamageIsLeftOutAndMovedAside() throws {
    let image = try SampleImage.shared.get()
    let scratch = try Scratch()
    try image.place(image.database, in: scratch("data"))
    try Oracle.execute(
      "/usr/bin/env",
      [
        ProcessInfo.processInfo.environment["KEYWARD_PYTHON"] ?? "python3", "-c",
        """
        import sqlite3, sys
        database = sqlite3.connect(sys.argv[1], isolation_level=None)
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("UPDATE keys SET never_exportable = 1 WHERE name = 'etcd/k4'")
        # The newest version of one key, where no gap shows it, and the oldest of another.
        for name, number in ("etcd/k5", 3), ("etcd/k1", 1):
            changed = database.execute(
                "UPDATE key_versions SET created_at = created_at + 1 WHERE number = ? "
                "AND key_id = (SELECT id FROM keys WHERE name = ?)", (number, name))
            assert changed.rowcount == 1
        """,
        scratch("data/keyward.db"),
      ]
    )
    let before = image.state.keys
    do {
      let store = try SQLiteStore.open(directory: scratch("data"))
      let state = try store.unlock(image.sample.keys, accepting: [.damage])
      #expect(state.accepted == [.damage])
      #expect(!state.findings.isEmpty)
      let lost = before.subtracting(state.keys.map(KeyImage.init)).map(\.name.description)
      #expect(lost.sorted() == ["etcd/k1", "etcd/k4", "etcd/k5"])
      let isPart = Set(state.keys.map(KeyImage.init)).isSubset(of: before)
      #expect(isPart)
      try store.write(durability: .change) { _ in }
    }
    let store = try SQLiteStore.open(directory: scratch("data"))
    let state = try store.unlock(image.sample.keys, accepting: [])
    #expect(state.findings.isEmpty)
    let isPart = Set(state.keys.map(KeyImage.init)).isStrictSubset(of: before)
    #expect(isPart)
    let report = try store.check(keyring: image.sample.keyring)
    #expect(report.isClean)
    #expect(report.findings.map(\.table) == ["quarantine"])
  }

  /// Rows of the audit log are not read at unseal; `fsck` reads them all.
  @Test(
    arguments: [
      "UPDATE audit_entries SET entry = replace(entry, 'prod', 'test') WHERE idx = 7",
      "UPDATE audit_entries SET leaf_hash = zeroblob(32) WHERE idx = 7",
      "DELETE FROM audit_entries WHERE idx = 7",
      "DELETE FROM audit_entries WHERE idx = 39",
      "INSERT INTO audit_entries SELECT 40, entry, leaf_hash FROM audit_entries WHERE idx = 39",
      "UPDATE audit_checkpoints SET note = zeroblob(100) WHERE size = 20",
      "UPDATE audit_checkpoints SET frontier = zeroblob(8) WHERE size = 20",
    ]
  )
  func anEditOfTheAuditLogIsFound(_ sql: String) throws {
    let image = try SampleImage.shared.get()
    let scratch = try Scratch()
    try image.place(image.database, in: scratch("data"))
    try Oracle.execute(
      "/usr/bin/env",
      [
        ProcessInfo.processInfo.environment["KEYWARD_PYTHON"] ?? "python3", "-c",
        """
        import sqlite3, sys
        database = sqlite3.connect(sys.argv[1], isolation_level=None)
        database.execute("PRAGMA journal_mode = DELETE")
        assert database.execute(sys.argv[2]).rowcount == 1
        """,
        scratch("data/keyward.db"),
        sql.replacingOccurrences(
          of: "replace(entry",
          with: "CAST(replace(CAST(entry AS TEXT)"
        ).replacingOccurrences(of: "'test')", with: "'test') AS BLOB)"),
      ]
    )
    let report = try Fsck(directory: scratch("data")).check(rootKey: image.sample.rootKey)
    #expect(!report.isClean)
  }
}
