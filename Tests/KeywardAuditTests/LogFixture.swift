import KeywardAudit

/// A log with its signed checkpoints, as a server would hold it.
struct LogFixture {
  let signer: NoteSigner
  var rows: [AuditBatch.Row] = []
  /// Signed checkpoints and the frontiers of their sizes, in order.
  var checkpoints: [(note: SignedNote, frontier: Frontier)] = []
  var frontier = Frontier()

  /// Appends the events in batches, each with a checkpoint, as group commit does.
  mutating func append(_ events: [AuditEvent], batches: [Int]) throws {
    var rest = events[...]
    for size in batches where !rest.isEmpty {
      let batch = try AuditBatch(appending: Array(rest.prefix(size)), to: frontier)
      rest = rest.dropFirst(size)
      rows += batch.rows
      frontier = batch.frontier
      try sign()
    }
  }

  private mutating func sign() throws {
    let head = try Checkpoint(
      origin: signer.verifierKey.name,
      size: frontier.size,
      root: frontier.root
    )
    checkpoints.append((try head.signed(by: signer), frontier))
  }

  var sizes: [UInt64] { checkpoints.map(\.frontier.size) }

  /// The checkpoints around the entry: from the one before it to the one that covers it.
  func segment(of index: UInt64) -> Range<UInt64> {
    let end = sizes.first { $0 > index } ?? frontier.size
    return (sizes.last { $0 <= index } ?? 0)..<max(end, index + 1)
  }

  /// The lines of the export of these rows, with the notes at their sizes.
  ///
  /// Rows need not be those that were signed: so an attacker without the key writes it, who can
  /// compute every hash anew but must reuse the notes.
  static func export(
    _ rows: [AuditBatch.Row],
    notes: [(size: UInt64, note: SignedNote)],
    key: NoteVerifierKey
  ) throws -> [[UInt8]] {
    var writer = AuditExportWriter(key: key)
    var bytes = writer.header()
    var notes = notes[...]
    for (index, row) in rows.enumerated() {
      while let next = notes.first, next.size <= UInt64(index) {
        bytes += try writer.checkpoint(next.note)
        notes.removeFirst()
      }
      bytes += try writer.entry(row.bytes, leafHash: row.leafHash)
    }
    for next in notes { bytes += try writer.checkpoint(next.note) }
    bytes += try writer.finish()
    return bytes.dropLast().split(separator: 0x0a, omittingEmptySubsequences: false).map {
      Array($0)
    }
  }

  var notes: [(size: UInt64, note: SignedNote)] {
    checkpoints.map { ($0.frontier.size, $0.note) }
  }

  func export() throws -> [[UInt8]] {
    try Self.export(rows, notes: notes, key: signer.verifierKey)
  }

  /// Gives the events of some rows new places, with bytes and hashes that fit.
  static func renumbered(_ rows: [AuditBatch.Row]) throws -> [AuditBatch.Row] {
    try AuditBatch(
      appending: rows.map { try AuditEntry(decoding: $0.bytes).event },
      to: Frontier()
    ).rows
  }

  /// The last checkpoints, as someone who keeps copies elsewhere has them.
  func held(_ count: Int) throws -> [Checkpoint] {
    try checkpoints.suffix(count).map {
      try Checkpoint(verifying: $0.note, by: signer.verifierKey)
    }
  }
}
