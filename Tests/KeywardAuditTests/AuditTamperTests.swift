import Foundation
import KeywardAudit
import Testing

/// A log of 10,000 entries falsified in 1,000 random ways: each is found, with its place.
///
/// An unoptimized build does a tenth, 100 ways of a log of 2,000, to keep a local run short;
/// KEYWARD_AUDIT_TAMPER_ROUNDS sets the number of ways, then of the full log.
@Suite
struct AuditTamperTests {
  static let workers = 4
  /// The widest place that counts as one: hardly more than two checkpoints are apart.
  static let width = 600

  static let chosenRounds = ProcessInfo.processInfo.environment["KEYWARD_AUDIT_TAMPER_ROUNDS"]
    .flatMap { Int($0) }
  #if DEBUG
  static let rounds = chosenRounds ?? 100
  static let entries = chosenRounds == nil ? 2000 : 10_000
  #else
  static let rounds = chosenRounds ?? 1000
  static let entries = 10_000
  #endif

  /// Made once: batches of 1 to 256 entries, as a group commit under changing load makes them.
  static let material = Result {
    var random = SeededGenerator(seed: 42)
    var log = LogFixture(signer: try Fixtures.signer())
    let batches = (0..<entries).map { _ in Int.random(in: 1...256, using: &random) }
    try log.append(Fixtures.events(entries, seed: 3), batches: batches)
    return try ExportTampering.Material(log: log)
  }

  @Test
  func theHonestLogIsClean() throws {
    let material = try Self.material.get()
    let log = material.log
    let held = try log.held(5)
    let report = Self.verify(material.lines, key: log.signer.verifierKey, known: held)
    #expect(report.findings == [])
    #expect(report.entries == UInt64(Self.entries))
    #expect(report.checkpoints == UInt64(log.checkpoints.count))
    #expect(report.last == held.last)
    #expect(report.uncompared == 0)
    #expect(try Self.verify(log, rows: log.rows, checkpoints: log.stored).findings == [])
  }

  @Test(arguments: 0..<workers)
  func everyFalsifiedExportIsFoundWithItsPlace(_ worker: Int) throws {
    let material = try Self.material.get()
    let key = material.log.signer.verifierKey
    // The reader is a value: its state before a line serves every round that leaves the lines
    // before it as they are.
    var states: [AuditExportReader] = []
    var honest = AuditExportReader(key: key)
    for (number, line) in material.lines.enumerated() {
      if number.isMultiple(of: 250) { states.append(honest) }
      honest.line(line[...])
    }
    for round in 0..<Self.rounds / Self.workers {
      let seed = UInt64(worker * 100_000 + round)
      var random = SeededGenerator(seed: seed)
      let kinds = ExportTampering.allCases
      let kind = kinds[(round * Self.workers + worker) % kinds.count]
      let result = try kind.apply(material, using: &random)
      var reader: AuditExportReader
      var start = 0
      if result.held > 0 {
        reader = AuditExportReader(key: key, known: try material.log.held(result.held))
      } else {
        let same = zip(result.lines, material.lines).prefix { $0 == $1 }.count
        start = min(same, result.cut > 0 ? result.lines.count - 1 : same) / 250
        reader = states[start]
        start *= 250
      }
      for (number, line) in result.lines.enumerated().dropFirst(start) {
        if result.cut > 0, number == result.lines.count - 1 {
          reader.feed(Array(line.dropLast(result.cut)))
        } else {
          reader.line(line[...])
        }
      }
      let report = reader.finish()
      let place = result.entries
      #expect(
        report.findings.contains { finding in
          Self.names(finding, place)
            || result.line.map { line in
              finding.line.map { abs(Int($0) - line) <= 4 } ?? false
            } ?? false
        },
        "\(kind), seed \(seed), at \(place), line \(result.line ?? 0): \(report.findings.prefix(5))"
      )
    }
  }

  @Test(arguments: 0..<workers)
  func everyFalsifiedDatabaseIsFoundWithItsPlace(_ worker: Int) throws {
    let log = try Self.material.get().log
    for round in 0..<Self.rounds / Self.workers {
      let seed = UInt64(worker * 100_000 + round)
      var random = SeededGenerator(seed: seed)
      let kinds = DatabaseTampering.allCases
      let kind = kinds[(round * Self.workers + worker) % kinds.count]
      let result = try kind.apply(log, using: &random)
      let report = try Self.verify(log, rows: result.rows, checkpoints: result.checkpoints)
      #expect(
        report.findings.contains { Self.names($0, result.entries, width: result.width) },
        "\(kind), seed \(seed), at \(result.entries): \(report.findings.prefix(5))"
      )
    }
  }

  /// Whether the finding names the place: it overlaps or touches it and is no wider than allowed,
  /// or it is a gap that begins just there.
  private static func names(
    _ finding: AuditFinding,
    _ place: Range<UInt64>,
    width: Int = width
  ) -> Bool {
    let isGap = [.missing, .truncated, .uncovered].contains(finding.kind)
    if isGap, finding.entries.lowerBound == place.lowerBound { return true }
    return finding.entries.count <= width
      && finding.entries.lowerBound <= place.upperBound + 1
      && place.lowerBound <= finding.entries.upperBound + 1
  }

  private static func verify(
    _ lines: [[UInt8]],
    key: NoteVerifierKey,
    known: [Checkpoint]
  ) -> AuditReport {
    var reader = AuditExportReader(key: key, known: known)
    for line in lines { reader.line(line[...]) }
    return reader.finish()
  }

  private static func verify(
    _ log: LogFixture,
    rows: [AuditBatch.Row],
    checkpoints: [(size: UInt64, note: [UInt8], frontier: Frontier)]
  ) throws -> AuditReport {
    var verifier = AuditDatabaseVerifier(
      key: log.signer.verifierKey,
      checkpoints: checkpoints.map {
        AuditDatabaseVerifier.StoredCheckpoint(
          size: $0.size,
          note: $0.note,
          frontier: $0.frontier
        )
      },
      trusted: log.frontier
    )
    for row in rows { verifier.row(index: row.index, entry: row.bytes, leafHash: row.leafHash) }
    return verifier.finish()
  }
}

extension LogFixture {
  /// The checkpoints as a table holds them.
  var stored: [(size: UInt64, note: [UInt8], frontier: Frontier)] {
    checkpoints.map { ($0.frontier.size, $0.note.bytes, $0.frontier) }
  }
}
