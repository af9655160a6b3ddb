import Foundation
import KeywardAudit
import Testing

/// Third parties judge: a second verifier in Python, and a JSON Schema validator.
@Suite
struct AuditOracleTests {
  @Test
  func theSecondVerifierAcceptsWhatThisOneWrites() throws {
    let log = try Self.log()
    let (status, output) = try Self.verify(try log.export(), log.signer.verifierKey)
    #expect(output == ["ok 1000 \(log.checkpoints.count)"])
    #expect(status == 0)
  }

  /// The two verifiers agree that a falsified export is one, for each way to falsify that can be
  /// seen without the honest head.
  @Test(arguments: ExportTampering.allCases)
  func bothVerifiersFindEachFalsification(_ kind: ExportTampering) throws {
    let material = try ExportTampering.Material(log: Self.log())
    var random = SeededGenerator(seed: 11)
    let result = try kind.apply(material, using: &random)
    guard result.held == 0 else { return }
    var lines = result.lines
    if result.cut > 0, let last = lines.popLast() { lines.append(last.dropLast(result.cut)) }
    let key = material.log.signer.verifierKey
    var reader = AuditExportReader(key: key)
    for line in lines { reader.line(line[...]) }
    #expect(!reader.finish().isClean)
    let (status, output) = try Self.verify(lines, key)
    #expect(status == 1)
    #expect(output.first?.hasPrefix("ok") == false)
  }

  /// A piece of a log, from one checkpoint to another, proves itself.
  @Test
  func bothVerifiersAcceptAPiece() throws {
    let log = try Self.log()
    let start = log.checkpoints[2]
    let end = log.checkpoints[5]
    var writer = AuditExportWriter(key: log.signer.verifierKey, start: start.frontier)
    var bytes = writer.header() + (try writer.checkpoint(start.note))
    for row in log.rows[Int(start.frontier.size)..<Int(end.frontier.size)] {
      bytes += try writer.entry(row.bytes, leafHash: row.leafHash)
    }
    bytes += try writer.checkpoint(end.note) + writer.finish()
    // In chunks that end anywhere.
    var reader = AuditExportReader(key: log.signer.verifierKey)
    for place in stride(from: 0, to: bytes.count, by: 777) {
      reader.feed(Array(bytes[place..<min(place + 777, bytes.count)]))
    }
    let report = reader.finish()
    #expect(report.findings == [])
    #expect(report.entries == end.frontier.size - start.frontier.size)
    let lines = bytes.dropLast().split(separator: 0x0a, omittingEmptySubsequences: false)
    let (status, output) = try Self.verify(lines.map { Array($0) }, log.signer.verifierKey)
    #expect(status == 0, "\(output)")
    // Without the checkpoint that vouches for its beginning it proves nothing.
    var bare = AuditExportReader(key: log.signer.verifierKey)
    for line in lines where !line.starts(with: Array("frontier \(start.frontier.size) ".utf8)) {
      bare.line(line)
    }
    #expect(bare.finish().findings.first?.kind == .unanchored)
  }

  @Test
  func everyEntryFitsTheSchema() throws {
    var entries = Fixtures.events(500, seed: 5)
    entries += Fixtures.details.map {
      AuditEvent(
        time: 0,
        request: "",
        principal: AuditPrincipal(kind: .anonymous, name: "\"\\%\u{0}\u{1f600}"),
        source: .offline,
        operation: "\u{e9}",
        resource: String(repeating: "\u{1f600}", count: 999),
        kmsUID: String(repeating: "%", count: 99),
        outcome: .failed,
        reason: "",
        rule: "a b",
        details: [$0]
      )
    }
    let lines = entries.enumerated().map {
      String(
        decoding: AuditEntry(index: UInt64($0.offset), event: $0.element).encoded(),
        as: UTF8.self
      )
    }
    let answers = try Self.judge(lines)
    #expect(answers == Array(repeating: "ok", count: lines.count))
  }

  @Test
  func theSchemaRefusesWhatTheDecoderRefuses() throws {
    let good = String(
      decoding: AuditEntry(index: 7, event: Fixtures.events(1, seed: 5)[0]).encoded(),
      as: UTF8.self
    )
    let bad = [
      good.replacing("\"v\":2", with: "\"v\":3"),
      good.replacing("\"index\":7", with: "\"index\":-7"),
      good.replacing("\"outcome\":", with: "\"secret\":\"x\",\"outcome\":"),
      good.replacing("\"outcome\":\"", with: "\"outcome\":\"x"),
      good.replacing("\"source\":\"admin\"", with: "\"source\":\"shell\""),
      good.replacing("\"uid\":0", with: "\"uid\":4294967296"),
      good.replacing("\"resource\":\"", with: "\"resource\":\"\u{e9}"),
      good.replacing("\"resource\":\"", with: "\"resource\":\"%c3"),
      good.replacing("\"details\":[", with: "\"details\":[{\"kind\":\"note\",\"text\":\"x\"},"),
    ]
    #expect(try Self.judge([good]) == ["ok"])
    for line in bad {
      #expect(throws: AuditError.self, "\(line)") { try AuditEntry(decoding: Array(line.utf8)) }
    }
    #expect(try Self.judge(bad).filter { $0 == "ok" } == [])
  }

  private static func log() throws -> LogFixture {
    var log = LogFixture(signer: try Fixtures.signer())
    var random = SeededGenerator(seed: 9)
    let batches = (0..<1000).map { _ in Int.random(in: 1...150, using: &random) }
    try log.append(Fixtures.events(1000, seed: 4), batches: batches)
    return log
  }

  private static func judge(_ lines: [String]) throws -> [String] {
    let schema = AuditOracle.root.appending(path: "schema/audit-entry.schema.json")
    let (status, output) = try AuditOracle.run(
      "audit_schema.py",
      [schema.path],
      input: lines.joined(separator: "\n") + "\n"
    )
    #expect(status == 0, "audit_schema.py failed; see its words above")
    return output
  }

  private static func verify(
    _ lines: [[UInt8]],
    _ key: NoteVerifierKey
  ) throws -> (Int32, [String]) {
    let text = String(decoding: Array(lines.joined(separator: [0x0a])), as: UTF8.self) + "\n"
    return try AuditOracle.run("audit_verify.py", ["-", key.text], input: text)
  }
}

/// Runs a Python program of Tests/Oracles.
enum AuditOracle {
  /// The checkout.
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// Its exit code and the lines it printed.
  ///
  /// Python is the one that KEYWARD_PYTHON names, else `python3`; a missing module fails the test.
  static func run(
    _ script: String,
    _ arguments: [String],
    input: String
  ) throws -> (Int32, [String]) {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "keyward-audit-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let output = folder.appending(path: "out")
    try Data(input.utf8).write(to: folder.appending(path: "in"))
    try Data().write(to: output)
    let process = Process()
    let python = ProcessInfo.processInfo.environment["KEYWARD_PYTHON"] ?? "python3"
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments =
      [python, root.appending(path: "Tests/Oracles/\(script)").path] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging([
      "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8",
    ]) { $1 }
    process.standardInput = try FileHandle(forReadingFrom: folder.appending(path: "in"))
    process.standardOutput = try FileHandle(forWritingTo: output)
    try process.run()
    process.waitUntilExit()
    let text = String(decoding: try Data(contentsOf: output), as: UTF8.self)
    return (process.terminationStatus, text.split(separator: "\n").map { String($0) })
  }
}
