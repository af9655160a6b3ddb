import Foundation
import KeywardAudit
import KeywardCrypto
import KeywardKeyring
import KeywardModel
import KeywardService
import KeywardStore
import KeywardTesting
import Testing

/// Backup, restore and fsck of a running server.
@Suite
struct BackupTests {
  private static func backup(_ server: TestServer) async throws -> [UInt8] {
    let stream = try await server.service.createBackup(.officer)
    var bytes: [UInt8] = []
    while let piece = try await stream.next() { bytes += piece }
    await stream.close()
    return bytes
  }

  private static func reader(_ bytes: [UInt8]) throws -> BackupReader {
    var rest = bytes[...]
    return try BackupReader { count in
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
  }

  /// The root key, by the key file and the seals that the backup's header holds.
  private static func rootKey(_ header: BackupHeader, _ file: SealKeyFile) throws -> RootKey {
    let seals = try header.seals.map { try SealRecord(decoding: $0.record) }
    let seal = try #require(seals.first { $0.kind == .keyFile })
    return try seal.open(with: .fileContent(try .fixture(try #require(file.bytes))))
  }

  private static func restore(
    _ bytes: [UInt8],
    _ file: SealKeyFile,
    into path: String,
    mode: Restore.Mode = .newStore
  ) throws -> Restore.Summary {
    let backup = try reader(bytes)
    let root = try rootKey(backup.header, file)
    return try Restore.run(backup, rootKey: root, directory: path, mode: mode)
  }

  /// What was encrypted before the backup opens after a restore elsewhere, by the same secrets.
  @Test
  func aRestoredStoreServesTheSameKeys() async throws {
    let server = try await TestServer.unsealed()
    try await server.create("etcd/prod")
    try await server.create("data/key")
    let made = try await KeyUse.artefacts(server, "data/key", .aes256)
    var kms = [try await server.kmsEncrypt("etcd/prod")]
    _ = try await server.service.rotateKey(.officer, name: "etcd/prod")
    kms.append(try await server.kmsEncrypt("etcd/prod"))
    _ = try await server.service.rotateKeyring(.officer)
    let bytes = try await Self.backup(server)
    // While it was made and after it, the server goes on.
    try await server.create("later/key")
    let folder = try TemporaryFolder()
    let summary = try Self.restore(bytes, server.keyFile, into: folder("data"))
    #expect(summary.keys == 2)
    #expect(summary.keptAside == nil)
    let restored = try await TestServer(folder: folder, keyFile: server.keyFile)
    // A restore is a step back, so an officer says that it was meant.
    #expect(try restored.service.sealStatus().sealed)
    await refused(.rollbackDetected) { try await restored.unseal() }
    try await restored.unseal(accepting: [.rollback])
    #expect(try restored.key("later/key") == nil)
    _ = try await KeyUse.decrypt.perform(restored, "data/key", version: 1, made)
    for cipher in kms {
      #expect(
        try await restored.kmsDecrypt("etcd/prod", cipher.bytes, cipher.keyID.description)
          == TestServer.seed
      )
    }
    // New versions get identities that neither store has used.
    _ = try await restored.service.rotateKey(.officer, name: "etcd/prod")
    _ = try await server.service.rotateKey(.officer, name: "etcd/prod")
    let ours = try #require(try server.key("etcd/prod")).versions.map(\.kmsKeyID)
    let theirs = try #require(try restored.key("etcd/prod")).versions.map(\.kmsKeyID)
    #expect(Set(ours + theirs).count == 4)
    let report = try await restored.service.fsck(.officer)
    #expect(report.ok, "\(report.findings)")
    try await restored.restart()
    #expect(try restored.service.sealStatus().sealed == false)
  }

  @Test
  func aBackupShowsNothingAndTakesNoChange() async throws {
    let server = try await TestServer.unsealed()
    let canary = Array("backup canary 8c1f".utf8)
    _ = try await server.service.importKey(
      .officer,
      name: "secret/thing",
      ImportRequest(
        format: .raw,
        newKey: CreateKeyRequest(name: "secret/thing", type: "opaque")
      ),
      material: .of(canary)
    )
    let bytes = try await Self.backup(server)
    #expect(Data(bytes).range(of: Data(canary)) == nil)
    #expect(Data(bytes).range(of: Data("secret/thing".utf8)) == nil)
    let folder = try TemporaryFolder()
    for place in [0, 9, 40, bytes.count / 2, bytes.count - 1] {
      var changed = bytes
      changed[place] ^= 1
      #expect(throws: (any Error).self, "byte \(place)") {
        _ = try Self.restore(changed, server.keyFile, into: folder("x"))
      }
    }
    for length in [0, 8, 100, bytes.count - 1] {
      #expect(throws: StoreError.self, "cut to \(length)") {
        _ = try Self.restore(Array(bytes.prefix(length)), server.keyFile, into: folder("x"))
      }
    }
    #expect(FileManager.default.fileExists(atPath: folder("x")) == false)
  }

  /// A restore over a store is no way around limits, states and deletions that came later.
  @Test
  func aRestoreKeepsWhatWasTightenedSince() async throws {
    let server = try await TestServer.unsealed()
    for name in ["tight/key", "gone/key", "bad/key", "turned/key"] { try await server.create(name) }
    let made = try await KeyUse.artefacts(server, "tight/key", .aes256)
    _ = try await server.service.rotateKey(.officer, name: "turned/key")
    let bytes = try await Self.backup(server)
    _ = try await server.service.updateKey(
      .officer,
      name: "tight/key",
      UpdateKeyRequest(
        operations: ["decrypt"],
        neverExportable: true,
        deletionProtected: true,
        allowedDestinations: ["aws"]
      )
    )
    let tight = try #require(try server.key("tight/key")).attributes
    _ = try await server.service.destroyKey(.officer, name: "gone/key", version: nil, after: 0)
    _ = try await server.service.setState(.officer, name: "bad/key", version: 1, to: .compromised)
    _ = try await server.service.destroyKey(.officer, name: "turned/key", version: 1, after: 0)
    let keyFile = server.keyFile
    let folder = server.folder
    await server.stop()
    let summary = try await retrying {
      try Self.restore(
        bytes,
        keyFile,
        into: folder("data"),
        mode: .replace(ignoringDamage: false)
      )
    }
    #expect(summary.carriedOver.count == 4)
    let restored = try await TestServer(folder: folder, keyFile: keyFile)
    await refused(.rollbackDetected) { try await restored.unseal() }
    try await restored.unseal(accepting: [.rollback])
    #expect(try restored.key("tight/key")?.attributes == tight)
    #expect(try restored.key("gone/key") == nil)
    #expect(try restored.key("bad/key")?.version(1)?.state == .compromised)
    #expect(try restored.key("turned/key")?.versions.map(\.state) == [.destroyed, .active])
    _ = try await KeyUse.decrypt.perform(restored, "tight/key", version: 1, made)
    await refused(.keyUsage) {
      try await KeyUse.encrypt.perform(restored, "tight/key", version: nil, made)
    }
  }

  /// The last life's connection closes when its last task lets go of it.
  private func retrying<R>(_ body: () throws -> R) async throws -> R {
    for _ in 0..<500 {
      do {
        return try body()
      } catch StoreError.locked {
        try await Task.sleep(for: .milliseconds(10))
      }
    }
    return try body()
  }

  // MARK: - fsck

  @Test
  func fsckOfASoundStoreIsClean() async throws {
    let server = try await TestServer.unsealed()
    for index in 0..<3 { try await server.create("sound/k\(index)") }
    _ = try await server.service.rotateKey(.officer, name: "sound/k0")
    _ = try await server.service.destroyKey(.officer, name: "sound/k1", version: nil, after: 0)
    let report = try await server.service.fsck(.officer)
    #expect(report.ok && report.authenticated)
    #expect(report.findings == [])
    #expect(report.checked["keys"] == 3)
    #expect(report.checked["key_versions"] == 4)
  }

  /// One edit with SQL each: the server stays sealed and says so, fsck names the row, and no edit
  /// gives a right.
  @Test(arguments: [
    ("UPDATE keys SET operations = 'encrypt,decrypt,wrap' WHERE name = 'edited/key'", "keys"),
    ("UPDATE keys SET never_exportable = 0 WHERE name = 'edited/key'", "keys"),
    ("UPDATE keys SET deletion_protected = 0 WHERE name = 'edited/key'", "keys"),
    ("UPDATE keys SET required_approvals = 0, name = 'other/key'", "keys"),
    ("UPDATE key_versions SET state = 'active' WHERE number = 1", "key_versions"),
    ("UPDATE key_versions SET destroy_at = NULL, number = number + 10", "key_versions"),
    ("UPDATE keyring_terms SET created_at = 0", "keyring_terms"),
    ("UPDATE seals SET record = CAST(record || x'00' AS BLOB)", "seals"),
    ("DELETE FROM key_versions WHERE number = 2", "key"),
    ("DELETE FROM audit_entries WHERE idx = 3", "audit"),
    ("UPDATE audit_entries SET entry = CAST(entry || x'20' AS BLOB) WHERE idx = 2", "audit"),
  ])
  func fsckNamesWhatWasEdited(_ sql: String, _ table: String) async throws {
    let server = try await TestServer.unsealed()
    _ = try await server.service.createKey(
      .officer,
      CreateKeyRequest(
        name: "edited/key",
        type: "aes-256",
        operations: ["encrypt", "decrypt"],
        neverExportable: true,
        deletionProtected: true
      )
    )
    _ = try await server.service.rotateKey(.officer, name: "edited/key")
    let seals = try server.store.seals()
    let folder = server.folder
    await server.stop()
    try await retrying { try Self.sqlite(folder("data/keyward.db"), sql) }
    let root = try SealRecord(decoding: seals[0].record).open(
      with: .fileContent(try .fixture(try #require(server.keyFile.bytes)))
    )
    let report = try await retrying {
      try Fsck(directory: folder("data")).check(rootKey: root)
    }
    #expect(!report.isClean)
    // A row that is gone has no name; the log names places.
    let isWhole = table == "audit" || sql.hasPrefix("DELETE")
    #expect(
      report.findings.contains {
        $0.table.hasPrefix(table) && !$0.problem.isEmpty && (isWhole || !$0.row.isEmpty)
      },
      "\(report.findings)"
    )
    let again = try? await TestServer(folder: folder, keyFile: server.keyFile)
    let isSealed = try again?.service.sealStatus().sealed ?? true
    // An edited entry of the log is found by fsck and verify; all else keeps the server sealed.
    #expect(isSealed || sql.hasPrefix("UPDATE audit_entries"))
    if isSealed, let again {
      #expect(try again.service.sealStatus().reason != nil)
      await refused(.sealed) { try await again.service.showKey(.officer, name: "edited/key") }
    }
  }

  /// Runs one statement with Python's sqlite3, which shares no code with the store.
  private static func sqlite(_ path: String, _ sql: String) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    let python = ProcessInfo.processInfo.environment["KEYWARD_PYTHON"] ?? "python3"
    let program = """
      import sqlite3, sys
      try:
          c = sqlite3.connect(sys.argv[1], timeout=0)
          c.execute("PRAGMA foreign_keys=OFF")
          n = c.execute(sys.argv[2]).rowcount
          c.commit()
          c.close()
          sys.exit(0 if n > 0 else 3)
      except sqlite3.OperationalError as e:
          sys.exit(2 if "locked" in str(e) else 4)
      """
    process.arguments = [python, "-c", program, path, sql]
    try process.run()
    process.waitUntilExit()
    if process.terminationStatus == 2 { throw StoreError.locked(path: path) }
    try #require(process.terminationStatus == 0, "the edit changed nothing")
  }
}
