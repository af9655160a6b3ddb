import Foundation
import KeywardAudit
import Testing

@Suite
struct AuditExportTests {
  /// The example of docs/formats/audit-log.md, made by hand with other tools.
  static let example = Result {
    let page = AuditOracle.root.appending(path: "docs/formats/audit-log.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    let start = try #require(text.range(of: "```text\nkeyward-audit-export 1\n"))
    let end = try #require(text.range(of: "```\n", range: start.upperBound..<text.endIndex))
    return "keyward-audit-export 1\n" + text[start.upperBound..<end.lowerBound]
  }
  static let key = "keyward.example/audit+d5d46d67+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"

  private static func verify(
    _ bytes: [UInt8],
    _ key: String = key,
    known: [Checkpoint] = []
  ) throws -> AuditReport {
    var reader = AuditExportReader(key: try NoteVerifierKey(parsing: key), known: known)
    reader.feed(bytes)
    return reader.finish()
  }

  @Test
  func theDocumentedExampleIsClean() throws {
    let report = try Self.verify(Array(Self.example.get().utf8))
    #expect(report.findings == [])
    #expect(report.entries == 3)
    #expect(report.last?.size == 3)
  }

  /// No byte of an export is without guard.
  @Test
  func everyChangedByteIsFound() throws {
    let bytes = Array(try Self.example.get().utf8)
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 1 << UInt8(index % 8)
      let report = try Self.verify(changed)
      #expect(!report.isClean, "byte \(index)")
    }
  }

  @Test
  func everyCutIsFound() throws {
    let bytes = Array(try Self.example.get().utf8)
    for length in 0..<bytes.count {
      let report = try Self.verify(Array(bytes.prefix(length)))
      #expect(!report.isClean, "length \(length)")
    }
  }

  @Test(arguments: [("end 3\n", "end 4\n", 3..<4), ("end 3\n", "end 2\n", 2..<3)])
  func aWrongLastLineIsFound(_ from: String, _ to: String, _ entries: Range<UInt64>) throws {
    let report = try Self.verify(Array(Self.example.get().replacing(from, with: to).utf8))
    #expect(report.findings.map(\.kind) == [.truncated])
    #expect(report.findings.first?.entries == entries)
  }

  @Test
  func anotherKeyProvesNothing() throws {
    let other = try Fixtures.signer("keyward.example/audit").verifierKey.text
    let kinds = try Self.verify(Array(Self.example.get().utf8), other).findings.map(\.kind)
    #expect(kinds == [.wrongKey, .wrongKey, .noCheckpoint, .uncovered])
    let stranger = try Fixtures.signer("other.example/audit").verifierKey.text
    #expect(
      try Self.verify(Array(Self.example.get().utf8), stranger).findings.first?.kind == .foreignLog
    )
  }

  @Test
  func aHeldCheckpointOfMoreEntriesShowsTheCut() throws {
    let held = try Checkpoint(
      origin: "keyward.example/audit",
      size: 9,
      root: MerkleTree.leafHash([])
    )
    let report = try Self.verify(Array(Self.example.get().utf8), known: [held])
    #expect(report.findings.map(\.kind) == [.truncated])
    #expect(report.findings.first?.entries == 3..<9)
  }

  @Test
  func aHeldCheckpointOfOtherEntriesShowsTheFork() throws {
    for size: UInt64 in [2, 3] {
      let held = try Checkpoint(
        origin: "keyward.example/audit",
        size: size,
        root: MerkleTree.leafHash([])
      )
      let report = try Self.verify(Array(Self.example.get().utf8), known: [held])
      #expect(report.findings.map(\.kind) == [.forked])
    }
  }

  /// Two signed heads of one size, or a head that the history after it leaves out.
  @Test
  func twoHistoriesUnderOneKeyAreAFork() throws {
    var log = LogFixture(signer: try Fixtures.signer())
    try log.append(Fixtures.events(300, seed: 1), batches: [100, 100, 100])
    var other = LogFixture(signer: log.signer)
    try other.append(Fixtures.events(300, seed: 2), batches: [100, 100, 100])
    func kinds(_ notes: [(size: UInt64, note: SignedNote)]) throws -> [AuditFinding] {
      let lines = try LogFixture.export(log.rows, notes: notes, key: log.signer.verifierKey)
      var reader = AuditExportReader(key: log.signer.verifierKey)
      for line in lines { reader.line(line[...]) }
      return reader.finish().findings.filter { $0.kind == .forked }
    }
    let honest = log.notes
    #expect(try kinds(honest) == [])
    let doubled = [honest[0], other.notes[0], honest[1], honest[2]]
    #expect(try kinds(doubled).map(\.entries) == [100..<100])
    let middle = [honest[0], other.notes[1], honest[2]]
    #expect(try kinds(middle).map(\.entries) == [200..<200])
  }

  /// The one damage of each kind is named exactly, with its line; line 5 is entry 0.
  @Test(arguments: [
    (Damage.edit, [AuditFinding.Kind.entryChanged: 20..<21]),
    (.editHash, [.leafHashChanged: 20..<21]),
    (.drop, [.missing: 20..<21, .entriesChanged: 0..<100]),
    (.duplicate, [.duplicated: 20..<21, .entriesChanged: 0..<100]),
    (.swap, [.missing: 20..<21, .outOfOrder: 20..<21, .entriesChanged: 0..<100]),
  ])
  func oneDamageIsNamedExactly(
    _ damage: Damage,
    _ expected: [AuditFinding.Kind: Range<UInt64>]
  ) throws {
    var log = LogFixture(signer: try Fixtures.signer())
    try log.append(Fixtures.events(300, seed: 1), batches: [100, 100, 100])
    var lines = try log.export()
    let line = 4 + 20
    switch damage {
    case .edit: lines[line][100] ^= 1
    case .editHash: lines[line][10] = lines[line][10] == 0x30 ? 0x31 : 0x30
    case .drop: lines.remove(at: line)
    case .duplicate: lines.insert(lines[line], at: line)
    case .swap: lines.swapAt(line, line + 1)
    }
    var reader = AuditExportReader(key: log.signer.verifierKey)
    for line in lines { reader.line(line[...]) }
    let findings = reader.finish().findings.filter { $0.kind != .malformedEntry }
    #expect(
      Dictionary(findings.map { ($0.kind, $0.entries) }) { first, _ in first } == expected,
      "\(findings)"
    )
    #expect(findings.contains { $0.line.map { abs(Int($0) - line - 1) <= 1 } ?? false })
  }

  enum Damage: Sendable {
    case edit
    case editHash
    case drop
    case duplicate
    case swap
  }

  /// After damage the next checkpoint's frontier lets the rest be judged: two places, two findings.
  @Test
  func damageIsNamedPieceByPiece() throws {
    var log = LogFixture(signer: try Fixtures.signer())
    try log.append(Fixtures.events(600, seed: 1), batches: Array(repeating: 60, count: 10))
    var random = SeededGenerator(seed: 1)
    var rows = log.rows
    for index in [70, 431] {
      rows[index] = try ExportTampering.changed(rows[index], using: &random)
    }
    let lines = try LogFixture.export(rows, notes: log.notes, key: log.signer.verifierKey)
    // The frontiers are the honest ones, as an attacker without the log's rest would leave them.
    let honest = try log.export()
    var reader = AuditExportReader(key: log.signer.verifierKey)
    for (changed, original) in zip(lines, honest) {
      reader.line((original.starts(with: Array("e ".utf8)) ? changed : original)[...])
    }
    let findings = reader.finish().findings
    #expect(findings.map(\.kind) == [.entriesChanged, .entriesChanged])
    #expect(findings.map(\.entries) == [60..<120, 420..<480])
  }

  @Test
  func overlongLinesAreSkippedWithBoundedMemory() throws {
    let text = try Self.example.get()
    var bytes = Array(text.utf8)
    bytes.insert(contentsOf: [UInt8](repeating: 0x65, count: 100_000) + [0x0a], at: 0)
    #expect(try Self.verify(bytes).findings.first?.kind == .malformedLine)
    let endless = [UInt8](repeating: 0x7c, count: 1_000_000)
    #expect(try !Self.verify(endless).isClean)
  }

  /// Whatever the bytes, the reader ends with a report.
  @Test
  func survivesDamagedExports() throws {
    let bytes = Array(try Self.example.get().utf8)
    let words = [
      "range ", "frontier ", "e ", "|", "end ", "first ", "\n", " ", "18446744073709551615",
    ]
    var random = SeededGenerator(seed: 3)
    for _ in 0..<2000 {
      var changed = bytes
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let place = Int.random(in: 0..<changed.count, using: &random)
        switch random.next() % 4 {
        case 0: changed[place] = UInt8(truncatingIfNeeded: random.next())
        case 1:
          let word = words[Int.random(in: words.indices, using: &random)]
          changed.insert(contentsOf: word.utf8, at: place)
        case 2:
          let end = min(changed.count, place + Int.random(in: 1...200, using: &random))
          changed.insert(contentsOf: Array(changed[place..<end]), at: place)
        default:
          let end = min(changed.count - 1, place + Int.random(in: 1...200, using: &random))
          if place < end { changed.removeSubrange(place..<end) }
        }
      }
      let report = try Self.verify(changed)
      #expect(report.isClean == (changed == bytes))
    }
  }
}
