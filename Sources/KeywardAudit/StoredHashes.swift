/// Subtree hashes for proofs, from the leaf hashes and tiles that a store keeps.
///
/// Below height 8 a subtree costs its leaves (at most 255 more reads); from there on, one stored
/// tile hash for each 256 leaves. In a log of 1,000,000 entries a proof reads at most 256 leaf
/// hashes and 3,906 tile hashes in a few dozen runs. Without tiles it reads every leaf hash once.
package struct StoredHashes {
  /// The stored hashes of a run of leaves or tiles, in order.
  package typealias Run = (Range<UInt64>) throws -> [[UInt8]]

  private let leaves: Run
  private let tiles: Run?

  /// The longest run asked for at once.
  package static let maximumRun: UInt64 = 4096

  /// Takes the readers of leaf hashes and, if they are stored, of the hashes of complete tiles.
  package init(leaves: @escaping Run, tiles: Run? = nil) {
    self.leaves = leaves
    self.tiles = tiles
  }

  /// The hash of a perfect subtree: a ``MerkleTree/NodeSource``.
  ///
  /// Throws what the readers throw, and `malformedHashes` if a run comes back short.
  package func node(level: Int, index: UInt64) throws -> [UInt8] {
    guard (0...53).contains(level), index <= MerkleTree.maximumSize >> UInt64(level) else {
      throw AuditError.outOfRange
    }
    guard level >= MerkleTree.tileLevel, let tiles else {
      return try join(level: level, index: index, base: 0, read: leaves)
    }
    return try join(level: level, index: index, base: MerkleTree.tileLevel, read: tiles)
  }

  private func join(level: Int, index: UInt64, base: Int, read: Run) throws -> [UInt8] {
    let height = UInt64(level - base)
    let first = index << height
    let end = first + (1 << height)
    var range = CompactRange(start: first)
    var position = first
    while position < end {
      let run = position..<min(end, position + Self.maximumRun)
      let hashes = try read(run)
      guard UInt64(hashes.count) == run.upperBound - run.lowerBound else {
        throw AuditError.malformedHashes
      }
      for hash in hashes { try range.append(leafHash: hash) }
      position = run.upperBound
    }
    return range.joined
  }
}
