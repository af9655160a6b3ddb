import Foundation
import KeywardAudit
import KeywardModel
import KeywardStore
import Testing

/// Folders and files that are not as they have to be, and disks that are full or read-only.
@Suite(.serialized)
struct StoreFilesTests {
  private static let python = ProcessInfo.processInfo.environment["KEYWARD_PYTHON"] ?? "python3"

  private func sqlite(_ path: String, _ statements: String...) throws {
    let program = """
      import sqlite3, sys
      database = sqlite3.connect(sys.argv[1], isolation_level=None)
      for statement in sys.argv[2:]: database.execute(statement)
      """
    try Oracle.execute(
      "/usr/bin/env",
      [StoreFilesTests.python, "-c", program, path] + statements
    )
  }

  private func error(_ body: () throws -> Void) -> StoreError? {
    do {
      try body()
      return nil
    } catch {
      return error as? StoreError
    }
  }

  /// V40: modes do not depend on the umask.
  @Test
  func everyFileIsForItsOwnerAlone() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let before = umask(0)
    defer { umask(before) }
    let store = try sample.create(in: scratch("data"))
    try store.write(durability: .change) { try $0.insertKey(sample.key("k")) }
    let backup = try BackupWriter(store, at: Sample.time)
    _ = try backup.next()
    #expect(try mode(of: scratch("data")) == 0o700)
    let files = try names(in: scratch("data"))
    #expect(files.count >= 4)
    for name in files { #expect(try mode(of: scratch("data/" + name)) == 0o600, "\(name)") }
  }

  @Test
  func aFolderOpenToOthersIsRefused() throws {
    let scratch = try Scratch()
    _ = try Sample().create(in: scratch("data"))
    for (path, mode) in [("data", 0o750), ("data/keyward.db", 0o640), ("data/keyward.db", 0o604)] {
      let usual = try KeywardStoreTests.mode(of: scratch(path))
      try FileManager.default.setAttributes(
        [.posixPermissions: mode],
        ofItemAtPath: scratch(path)
      )
      let refusal = error { _ = try SQLiteStore.open(directory: scratch("data")) }
      guard case .insecureFile(_, _, let remedy) = refusal else {
        Issue.record("\(path): \(String(describing: refusal))")
        continue
      }
      #expect(remedy.hasPrefix("chmod"))
      try FileManager.default.setAttributes(
        [.posixPermissions: usual],
        ofItemAtPath: scratch(path)
      )
    }
    #expect(throws: Never.self) { try SQLiteStore.open(directory: scratch("data")) }
  }

  @Test
  func linksAndFoldersInTheWayAreRefused() throws {
    let scratch = try Scratch()
    let files = FileManager.default
    for folder in ["a", "b", "c"] {
      try files.createDirectory(
        atPath: scratch(folder),
        withIntermediateDirectories: false,
        attributes: [.posixPermissions: 0o700]
      )
    }
    _ = try Sample().create(in: scratch("real"))
    try files.createSymbolicLink(
      atPath: scratch("a/keyward.db"),
      withDestinationPath: scratch("real/keyward.db")
    )
    try files.createDirectory(atPath: scratch("b/keyward.db"), withIntermediateDirectories: false)
    try write([1], to: scratch("plain"))
    for path in ["a", "b", "plain", "missing/too"] {
      let refusal = error { _ = try SQLiteStore.open(directory: scratch(path)) }
      guard case .insecureFile = refusal else {
        Issue.record("\(path): \(String(describing: refusal))")
        continue
      }
    }
  }

  @Test
  func aSecondOpenerIsRefused() throws {
    let scratch = try Scratch()
    let store = try Sample().create(in: scratch("data"))
    let second = error { _ = try SQLiteStore.open(directory: scratch("data")) }
    guard case .locked(let path) = second else {
      Issue.record("\(String(describing: second))")
      return
    }
    #expect(path.hasSuffix("/data"))
    #expect(second?.words.hasPrefix("another keyward server has the store in") == true)
    #expect(error { _ = try Fsck(directory: scratch("data")) } == second)
    // Another process, with SQLite's own library.
    #expect(throws: Oracle.Failure.self) {
      try sqlite(scratch("data/keyward.db"), "SELECT * FROM keys")
    }
    store.lock()
  }

  @Test
  func aForeignDatabaseIsRefusedAndLeftAlone() throws {
    let scratch = try Scratch()
    for (folder, statement) in [
      ("a", "CREATE TABLE t (x)"), ("b", "PRAGMA application_id = 77"),
      ("c", "PRAGMA user_version = 3"),
    ] {
      try FileManager.default.createDirectory(
        atPath: scratch(folder),
        withIntermediateDirectories: false,
        attributes: [.posixPermissions: 0o700]
      )
      let path = scratch(folder + "/keyward.db")
      try sqlite(path, statement, "CREATE TABLE IF NOT EXISTS u (x)")
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
      let before = try contents(of: path)
      let refusal = error { _ = try SQLiteStore.open(directory: scratch(folder)) }
      guard case .foreignDatabase = refusal else {
        Issue.record("\(folder): \(String(describing: refusal))")
        continue
      }
      #expect(try contents(of: path) == before)
    }
  }

  @Test
  func aNewerSchemaIsRefused() throws {
    let scratch = try Scratch()
    _ = try Sample().create(in: scratch("data"))
    try sqlite(
      scratch("data/keyward.db"),
      "PRAGMA journal_mode = DELETE",
      "PRAGMA user_version = \(Schema.version + 1)"
    )
    let expected = StoreError.newerSchema(found: Schema.version + 1, known: Schema.version)
    #expect(error { _ = try SQLiteStore.open(directory: scratch("data")) } == expected)
    #expect(error { _ = try Fsck(directory: scratch("data")) } == expected)
  }

  @Test(
    arguments: [
      "CREATE TABLE extra (x)",
      "CREATE TRIGGER t AFTER INSERT ON keys BEGIN DELETE FROM keys; END",
      "CREATE VIEW v AS SELECT * FROM keys",
      "DROP INDEX keys_live_name",
    ]
  )
  func aChangedSchemaIsRefused(_ statement: String) throws {
    let scratch = try Scratch()
    let sample = try Sample()
    _ = try sample.create(in: scratch("data"))
    try sqlite(scratch("data/keyward.db"), "PRAGMA journal_mode = DELETE", statement)
    let refusal = error { _ = try SQLiteStore.open(directory: scratch("data")) }
    guard case .corrupt = refusal else {
      Issue.record("\(String(describing: refusal))")
      return
    }
    let report = try Fsck(directory: scratch("data")).check(rootKey: sample.rootKey)
    #expect(report.findings.contains { $0.table == "database" })
  }

  @Test
  func aFileThatIsNoDatabaseIsRefused() throws {
    let image = try SampleImage.shared.get()
    let scratch = try Scratch()
    let noise = [UInt8](repeating: 0x5a, count: 8192)
    for bytes in [noise, Array(image.database.dropFirst()), Array(image.database.prefix(50))] {
      try image.place(bytes, in: scratch("data"))
      let refusal = error { _ = try SQLiteStore.open(directory: scratch("data")) }
      switch refusal {
      case .notADatabase, .corrupt: break
      default: Issue.record("\(String(describing: refusal))")
      }
      let report = try Fsck(directory: scratch("data")).check(rootKey: image.sample.rootKey)
      #expect(report.findings.map(\.table) == ["database"])
    }
  }

  @Test
  func aDatabaseCutShortAnywhereIsNoticed() throws {
    let image = try SampleImage.shared.get()
    let scratch = try Scratch()
    for length in stride(from: 512, to: image.database.count, by: 2048) {
      try image.place(Array(image.database.prefix(length)), in: scratch("data"))
      let verdict = try image.judge(scratch("data"))
      switch verdict {
      case .refused, .found: break
      case .harmless, .wrong: Issue.record("\(length): \(verdict)")
      }
    }
  }

  @Test
  func aFullDatabaseSaysSoAndGoesOn() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    try store.limitSize(true)
    let kept = try fill(store, sample)
    #expect(kept > 10)
    try store.limitSize(false)
    try store.write(durability: .change) { try $0.insertKey(sample.key("after")) }
    store.lock()
    #expect(try store.unlock(sample.keys, accepting: []).keys.count == kept + 1)
  }

  /// SQLite may end a transaction by itself when the disk is full: what a body that swallows the
  /// error writes after that must not land outside of any transaction.
  @Test(arguments: [true, false])
  func aSwallowedFullDiskCommitsNothing(_ isPart: Bool) throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try sample.create(in: scratch("data"))
    try store.limitSize(true)
    let big = [UInt8](repeating: 7, count: 300_000)
    let hash = [UInt8](repeating: 0, count: 32)
    let failure = error {
      try store.write(durability: .change) { transaction in
        let append = { try transaction.appendAudit(index: 0, entry: big, leafHash: hash) }
        if isPart { try? transaction.savepoint(append) } else { try? append() }
        try? transaction.appendAudit(index: 0, entry: [1], leafHash: hash)
        try? transaction.insertKey(sample.key("k/small"))
      }
    }
    #expect(failure == .full)
    store.lock()
    let state = try store.unlock(sample.keys, accepting: [])
    #expect(state.keys.isEmpty && state.auditSize == 0 && state.counter == 1)
  }

  @Test(.enabled(if: Mount.isPossible, "needs root to mount a small disk"))
  func aFullDiskSaysSoAndGoesOn() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let mount = try Mount(at: scratch("disk"), size: "640k")
    let store = try sample.create(in: scratch("disk/data"))
    let ballast = scratch("disk/ballast")
    try write([UInt8](repeating: 1, count: 64 << 10), to: ballast)
    let kept = try fill(store, sample)
    #expect(kept > 10)
    try FileManager.default.removeItem(atPath: ballast)
    try store.write(durability: .change) { try $0.insertKey(sample.key("after")) }
    store.lock()
    #expect(try store.unlock(sample.keys, accepting: []).keys.count == kept + 1)
    mount.keep()
  }

  /// Inserts keys until there is no room; returns how many are in.
  private func fill(_ store: SQLiteStore, _ sample: Sample) throws -> Int {
    for number in 0..<5000 {
      let failure = error {
        try store.write(durability: .change) { try $0.insertKey(sample.key("k/n\(number)")) }
      }
      guard let failure else { continue }
      #expect(failure == .full)
      #expect(!failure.isFatal)
      // It stays usable: another key may find room on a page, or is refused in the same way.
      var kept = number
      for again in 0..<5 {
        let failure = error {
          try store.write(durability: .change) { try $0.insertKey(sample.key("again/n\(again)")) }
        }
        if failure == nil { kept += 1 }
        #expect(failure == nil || failure == .full)
      }
      return kept
    }
    throw Sample.Missing()
  }

  @Test(.enabled(if: Mount.isPossible, "needs root to mount a small disk"))
  func aReadOnlyDiskSaysSo() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let mount = try Mount(at: scratch("disk"), size: "4m")
    _ = try sample.create(in: scratch("disk/data"))
    try mount.makeReadOnly()
    for folder in ["disk/data", "disk/new"] {
      let refusal = error { _ = try SQLiteStore.open(directory: scratch(folder)) }
      guard case .readOnly = refusal else {
        Issue.record("\(folder): \(String(describing: refusal))")
        continue
      }
    }
  }

  @Test
  func aMissingAnchorFolderIsNamed() throws {
    let scratch = try Scratch()
    let sample = try Sample()
    let store = try SQLiteStore.open(
      directory: scratch("data"),
      anchorPath: scratch("nowhere/anchor")
    )
    let refusal = error { try store.initialize(sample.contents, keys: sample.keys) }
    guard case .insecureFile(let path, _, _) = refusal else {
      Issue.record("\(String(describing: refusal))")
      return
    }
    #expect(path == scratch("nowhere/anchor"))
    #expect(try store.identity == nil)
  }

  @Test
  func anAnchorOfAnEarlierStoreIsNotTakenOver() throws {
    let scratch = try Scratch()
    _ = try Sample().create(in: scratch("data"))
    try FileManager.default.removeItem(atPath: scratch("data/keyward.db"))
    let refusal = error { _ = try Sample().create(in: scratch("data")) }
    guard case .insecureFile = refusal else {
      Issue.record("\(String(describing: refusal))")
      return
    }
  }

  @Test
  func everyErrorSaysWhatToDo() {
    let errors: [StoreError] = [
      .alreadyInitialized, .badBackup("x"), .conflict("x"), .corrupt("x"), .constraint("x"),
      .foreignDatabase(path: "p"), .full,
      .insecureFile(path: "p", problem: "is open", remedy: "chmod 600 p"), .ioError("x"),
      .limit("x"), .locked(path: "p"), .newerSchema(found: 2, known: 1), .notADatabase(path: "p"),
      .notInitialized, .readOnly(path: "p"), .rollbackDetected(database: 1, anchor: 2),
      .rollbackDetected(database: 1, anchor: nil), .sealed,
      .tampered([Finding(table: "t", problem: "p", remedy: "r")]), .misuse("x"),
    ]
    for error in errors {
      #expect(!error.words.isEmpty && !error.remedy.isEmpty)
      #expect(error.isFatal == (error == .ioError("x")))
    }
  }
}

/// A small disk in memory, mounted for one test.
final class Mount {
  static let isPossible: Bool = {
    guard geteuid() == 0, let scratch = try? Scratch(),
      (try? Mount(at: scratch("probe"), size: "64k")) != nil
    else { return false }
    return true
  }()

  private let path: String

  init(at path: String, size: String) throws {
    self.path = path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    try Oracle.execute(
      "/bin/mount",
      ["-t", "tmpfs", "-o", "size=\(size),mode=700", "tmpfs", path]
    )
  }

  deinit { _ = try? Oracle.execute("/bin/umount", ["-l", path]) }

  func makeReadOnly() throws {
    try Oracle.execute("/bin/mount", ["-o", "remount,ro", path])
  }

  func resize(to size: String) throws {
    try Oracle.execute("/bin/mount", ["-o", "remount,size=\(size)", path])
  }

  /// Holds the disk until here.
  func keep() {}
}
