package import KeywardAudit

extension StoreTransaction {
  /// Appends a batch: its rows, its tiles, and the frontier after it.
  package func append(_ batch: AuditBatch) throws {
    for row in batch.rows {
      try appendAudit(index: row.index, entry: row.bytes, leafHash: row.leafHash)
    }
    for tile in batch.tiles { try insertTile(index: tile.index, hash: tile.hash) }
    try setFrontier(batch.frontier.encoded())
  }
}
