/// Events that become entries together: their bytes, leaf hashes, and the frontier after them.
///
/// Pure: nothing is in the log until the caller has stored all of it in one transaction.
package struct AuditBatch: Equatable, Sendable {
  /// An entry ready to be stored.
  package struct Row: Equatable, Sendable {
    /// Its place in the log.
    package let index: UInt64
    /// Its canonical bytes.
    package let bytes: [UInt8]
    /// SHA-256(0x00 || bytes).
    package let leafHash: [UInt8]

    /// Names a row, as it is or as it was stored.
    package init(index: UInt64, bytes: [UInt8], leafHash: [UInt8]) {
      self.index = index
      self.bytes = bytes
      self.leafHash = leafHash
    }
  }

  /// The hash of 256 leaves that a batch completed, for ``StoredHashes``.
  package struct Tile: Equatable, Sendable {
    /// The tile's number: its first leaf divided by 256.
    package let index: UInt64
    /// The hash of its subtree.
    package let hash: [UInt8]
  }

  /// The entries in order.
  package let rows: [Row]
  /// The tiles that these entries completed.
  package let tiles: [Tile]
  /// The frontier after the last entry.
  package let frontier: Frontier

  /// The root of the log with these entries.
  package var root: [UInt8] { frontier.root }

  /// Puts the events after the entries of the frontier, in the order given.
  ///
  /// Throws `outOfRange` when the log is full. About 2 us an event.
  package init(appending events: [AuditEvent], to frontier: Frontier) throws(AuditError) {
    var rows: [Row] = []
    rows.reserveCapacity(events.count)
    var tiles: [Tile] = []
    var next = frontier
    for event in events {
      let index = next.size
      let bytes = AuditEntry(index: index, event: event).encoded()
      let leafHash = MerkleTree.leafHash(bytes)
      if let tile = try next.append(leafHash: leafHash) {
        tiles.append(Tile(index: index / MerkleTree.tileWidth, hash: tile))
      }
      rows.append(Row(index: index, bytes: bytes, leafHash: leafHash))
    }
    self.rows = rows
    self.tiles = tiles
    self.frontier = next
  }
}
