/// Verifies the log as the server's database keeps it: rows of entries, and checkpoints apart.
///
/// Needs the whole log from row 0, and the frontier that the caller has authenticated with the
/// root key. Feed the rows in the order of their index, then ``finish()``.
package struct AuditDatabaseVerifier: Sendable {
  /// A stored checkpoint.
  package struct StoredCheckpoint: Sendable {
    let size: UInt64
    let note: [UInt8]
    let frontier: Frontier?

    /// Takes a row: the size it is stored under, the note's bytes and the frontier of that size.
    ///
    /// Bytes that are no checkpoint are taken too: they become a finding. Without a frontier the
    /// verification cannot go on from here after damage before it.
    package init(size: UInt64, note: [UInt8], frontier: Frontier?) {
      self.size = size
      self.note = note
      self.frontier = frontier
    }
  }

  private var verifier: AuditVerifier
  private var checkpoints: ArraySlice<StoredCheckpoint>

  /// Starts a verification of the log from row 0.
  ///
  /// `trusted` is the authenticated frontier at the end of the log; `known` are checkpoints kept
  /// elsewhere.
  package init(
    key: NoteVerifierKey,
    checkpoints: [StoredCheckpoint],
    trusted: Frontier?,
    known: [Checkpoint] = []
  ) {
    verifier = AuditVerifier(key: key, trusted: trusted, known: known)
    self.checkpoints = checkpoints.sorted { $0.size < $1.size }[...]
  }

  /// Takes the next row.
  package mutating func row(index: UInt64, entry: [UInt8], leafHash: [UInt8]) {
    row(index: index, inspection: AuditVerifier.inspect(entry), leafHash: leafHash)
  }

  /// Takes the next row, whose bytes have been inspected already.
  package mutating func row(
    index: UInt64,
    inspection: AuditVerifier.Inspection,
    leafHash: [UInt8]
  ) {
    feedCheckpoints(upTo: index)
    verifier.entry(inspection, storedLeafHash: leafHash, row: index)
  }

  /// Ends the log and tells what was found.
  package mutating func finish() -> AuditReport {
    feedCheckpoints(upTo: .max)
    return verifier.finish()
  }

  private mutating func feedCheckpoints(upTo index: UInt64) {
    while let next = checkpoints.first, next.size <= index {
      checkpoints.removeFirst()
      verifier.checkpoint(next.note, frontier: next.frontier)
    }
  }
}
