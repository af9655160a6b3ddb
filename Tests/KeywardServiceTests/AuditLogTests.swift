import Foundation
import KeywardAudit
import KeywardModel
import KeywardService
import KeywardStore
import KeywardTesting
import Testing

/// The log as its readers see it: pages, checkpoints, proofs, the export.
@Suite
struct AuditLogTests {
  private static func server(entries: Int) async throws -> TestServer {
    let server = try await TestServer.unsealed()
    try await server.create("log/key")
    for index in 0..<entries {
      _ = try await server.kmsEncrypt("log/key")
      if index.isMultiple(of: 50) { server.clock.advance(seconds: 11) }
    }
    return server
  }

  private static func bytes(_ hex: String) throws -> [UInt8] {
    try #require(KeywardModel.Hex.decode(hex))
  }

  @Test
  func pagesHoldTheEntriesAsTheyAreStored() async throws {
    let server = try await Self.server(entries: 20)
    var next: UInt64? = 0
    var seen: [AuditEntryInfo] = []
    while let from = next {
      let page = try await server.service.auditEntries(.officer, from: from, limit: 7)
      seen += page.entries
      next = page.entries.isEmpty || seen.count > 60 ? nil : page.next
    }
    #expect(seen.map(\.index) == (0..<UInt64(seen.count)).map { $0 })
    let stored = try server.stored()
    for (info, entry) in zip(seen, stored) {
      let encoded = try #require(KeywardModel.Base64.decode(info.encoded))
      #expect(encoded == entry.entry)
      #expect(try Self.bytes(info.leafHash) == MerkleTree.leafHash(encoded))
    }
    #expect(seen.contains { $0.operation == "key:create" && $0.resource == "keys/log/key" })
    #expect(seen.last?.operation == "audit:read")
  }

  @Test
  func proofsVerifyWithThePublicKeyAlone() async throws {
    let server = try await Self.server(entries: 40)
    let service = try server.service
    let old = try await service.auditCheckpoint(.officer)
    let key = try NoteVerifierKey(parsing: old.verifierKey)
    for _ in 0..<30 { _ = try await server.kmsEncrypt("log/key") }
    for index in [0, 1, 17, 31, 32, 40] as [UInt64] {
      let proof = try await service.auditProof(.officer, index: index, size: nil)
      let checkpoint = try #require(proof.checkpoint)
      let note = try SignedNote(parsing: Array(checkpoint.note.utf8))
      let head = try Checkpoint(verifying: note, by: key)
      #expect(head.size == proof.size)
      let leaf = MerkleTree.leafHash(try server.stored(from: index)[0].entry)
      #expect(try Self.bytes(try #require(proof.leafHash)) == leaf)
      var hashes = try proof.hashes.map { try Self.bytes($0) }
      #expect(
        MerkleProof.includes(
          leafHash: leaf,
          index: index,
          size: head.size,
          path: hashes,
          root: head.root
        )
      )
      hashes[0][0] ^= 1
      #expect(
        !MerkleProof.includes(
          leafHash: leaf,
          index: index,
          size: head.size,
          path: hashes,
          root: head.root
        )
      )
    }
    let proof = try await service.auditConsistency(.officer, from: old.size, to: nil)
    let hashes = try proof.hashes.map { try Self.bytes($0) }
    #expect(
      MerkleProof.extends(
        first: old.size,
        firstRoot: try Self.bytes(old.rootHash),
        second: proof.size,
        secondRoot: try Self.bytes(proof.rootHash),
        path: hashes
      )
    )
    #expect(
      !MerkleProof.extends(
        first: old.size - 1,
        firstRoot: try Self.bytes(old.rootHash),
        second: proof.size,
        secondRoot: try Self.bytes(proof.rootHash),
        path: hashes
      )
    )
    for (index, size) in [(1_000_000, nil), (5, 5), (5, 1_000_000)] as [(UInt64, UInt64?)] {
      await refused(.notFound) { try await service.auditProof(.officer, index: index, size: size) }
    }
    for (from, to) in [(0, nil), (5, 4), (1, 1_000_000), (.max, nil)] as [(UInt64, UInt64?)] {
      await refused(.invalidRequest) {
        try await service.auditConsistency(.officer, from: from, to: to)
      }
    }
  }

  @Test
  func theKeyStaysOverARestart() async throws {
    let server = try await Self.server(entries: 3)
    let before = try await server.service.auditCheckpoint(.officer)
    try await server.restart()
    let after = try await server.service.auditCheckpoint(.officer)
    #expect(before.verifierKey == after.verifierKey)
    #expect(after.size > before.size)
    let storeID = try #require(try server.service.sealStatus().storeID)
    #expect(after.verifierKey.contains(storeID))
  }

  /// The export verifies with this verifier and with one in Python that shares no code with it;
  /// one changed byte of an entry and both say so.
  @Test
  func theExportVerifiesByTwoVerifiers() async throws {
    let server = try await Self.server(entries: 600)
    let key = try await server.service.auditCheckpoint(.officer).verifierKey
    let pieces = try await server.service.exportAudit(.officer)
    var export: [UInt8] = []
    while let piece = try await pieces() { export += piece }
    let size = try server.logSize()
    let report = try Self.verify(export, key)
    #expect(report.isClean, "\(report.findings)")
    #expect(report.entries == size)
    #expect(report.checkpoints > 1)
    let (status, output) = try Self.python(export, key, in: server.folder)
    #expect(output == ["ok \(report.entries) \(report.checkpoints)"])
    #expect(status == 0)
    // Falsified.
    let text = String(decoding: export, as: UTF8.self)
    let changed = Array(text.replacing("key:create", with: "key:crEate").utf8)
    #expect(changed != export)
    #expect(try !Self.verify(changed, key).isClean)
    #expect(try Self.python(changed, key, in: server.folder).0 == 1)
  }

  private static func verify(_ export: [UInt8], _ key: String) throws -> AuditReport {
    var reader = AuditExportReader(key: try NoteVerifierKey(parsing: key))
    reader.feed(export)
    return reader.finish()
  }

  /// Runs Tests/Oracles/audit_verify.py: its exit code and lines.
  private static func python(
    _ export: [UInt8],
    _ key: String,
    in folder: TemporaryFolder
  ) throws -> (Int32, [String]) {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    try Data(export).write(to: URL(filePath: folder("export")))
    try Data().write(to: URL(filePath: folder("out")))
    let environment = ProcessInfo.processInfo.environment
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      environment["KEYWARD_PYTHON"] ?? "python3", root.path + "/Oracles/audit_verify.py",
      folder("export"), key,
    ]
    process.environment = environment.merging([
      "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8",
    ]) { $1 }
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: folder("out")))
    try process.run()
    process.waitUntilExit()
    let text = String(decoding: try Data(contentsOf: URL(filePath: folder("out"))), as: UTF8.self)
    return (process.terminationStatus, text.split(separator: "\n").map { String($0) })
  }
}
