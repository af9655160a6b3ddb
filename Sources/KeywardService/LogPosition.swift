package import KeywardAudit
package import KeywardModel
package import KeywardStore

/// Where the audit log ends, and what signs it; a value, so that a failed commit leaves it as it was.
package struct LogPosition: Sendable {
  private var frontier: Frontier
  private let signer: NoteSigner
  private let checkpointInterval: Int64
  private var checkpointSize: UInt64
  private var checkpointAt: Timestamp
  private var latest: Timestamp
  private var waiting: [AuditEvent] = []

  /// Goes on at `frontier`, whose last checkpoint is of `checkpointSize`.
  package init(
    frontier: Frontier,
    signer: NoteSigner,
    checkpointInterval: Int64,
    checkpointSize: UInt64,
    at now: Timestamp
  ) {
    self.frontier = frontier
    self.signer = signer
    self.checkpointInterval = checkpointInterval
    self.checkpointSize = checkpointSize
    checkpointAt = now
    latest = now
  }

  /// The number of entries.
  package var size: UInt64 { frontier.size }
  /// What verifies the checkpoints.
  package var verifierKey: NoteVerifierKey { signer.verifierKey }
  /// The newest frontier.
  package var head: Frontier { frontier }
  /// Whether a checkpoint is due: after a tile of entries, or after a time with any.
  package func isCheckpointDue(at now: Timestamp) -> Bool {
    guard frontier.size > checkpointSize else { return false }
    // The place of a change that makes all hashes fit is known only between two checkpoints.
    return frontier.size - checkpointSize >= MerkleTree.tileWidth
      || now >= checkpointAt.adding(seconds: checkpointInterval)
  }

  /// Takes an event as the next one.
  package mutating func append(_ event: AuditEvent, at time: Timestamp) {
    waiting.append(event)
    latest = max(latest, time)
  }

  /// Writes what was taken, the new frontier, and a checkpoint when one is due or asked for.
  package mutating func finish(
    in transaction: any StoreTransaction,
    signing isForced: Bool = false
  ) throws {
    if !waiting.isEmpty {
      let batch = try AuditBatch(appending: waiting, to: frontier)
      for row in batch.rows {
        try transaction.appendAudit(index: row.index, entry: row.bytes, leafHash: row.leafHash)
      }
      for tile in batch.tiles {
        try transaction.insertTile(index: tile.index, hash: tile.hash)
      }
      frontier = batch.frontier
      waiting = []
      try transaction.setFrontier(frontier.encoded())
    }
    if isForced ? frontier.size > checkpointSize : isCheckpointDue(at: latest) {
      let checkpoint = try Checkpoint(
        origin: signer.verifierKey.name,
        size: frontier.size,
        root: frontier.root
      )
      let note = try checkpoint.signed(by: signer)
      try transaction.insertCheckpoint(
        StoredCheckpoint(
          size: frontier.size,
          note: note.bytes,
          frontier: frontier.encoded()
        )
      )
      checkpointSize = frontier.size
      checkpointAt = latest
    }
  }
}
