/// The fewest subtree hashes that stand for the leaves `start..<end` of an RFC 6962 tree.
///
/// The subtrees are perfect and aligned: at most two of each height, so at most 106 hashes.
/// Two adjoining ranges merge into one without their leaves. A range that starts at 0 gives the
/// root of the tree of its size.
package struct CompactRange: Equatable, Sendable {
  /// The index of the first leaf.
  package let start: UInt64
  /// The index after the last leaf.
  package private(set) var end: UInt64
  /// The hashes of the subtrees from left to right, 32 bytes each.
  package private(set) var hashes: [[UInt8]]

  /// An empty range before the leaf `start`.
  package init(start: UInt64) {
    self.start = start
    end = start
    hashes = []
  }

  /// Takes stored hashes; fails if their number does not fit the range.
  package init(start: UInt64, end: UInt64, hashes: [[UInt8]]) throws(AuditError) {
    guard start <= end, end <= MerkleTree.maximumSize,
      hashes.count == Self.levels(start: start, end: end).count,
      hashes.allSatisfy({ $0.count == MerkleTree.hashSize })
    else { throw .malformedHashes }
    self.start = start
    self.end = end
    self.hashes = hashes
  }

  /// Appends the hash of the next leaf.
  ///
  /// Amortized one SHA-256 of 65 bytes.
  package mutating func append(leafHash: [UInt8]) throws(AuditError) {
    try append(leafHash, level: 0)
  }

  /// Appends a range that begins where this one ends.
  package mutating func append(_ other: CompactRange) throws(AuditError) {
    guard other.start == end else { throw .outOfRange }
    for (level, hash) in zip(Self.levels(start: other.start, end: other.end), other.hashes) {
      try append(hash, level: level)
    }
  }

  /// Appends an aligned perfect subtree of 2^level leaves and merges what became complete.
  ///
  /// Calls `completed` for each larger subtree that this made complete, smallest first.
  mutating func append(
    _ hash: [UInt8],
    level: Int,
    completed: (_ level: Int, _ hash: [UInt8]) -> Void = { _, _ in }
  ) throws(AuditError) {
    guard hash.count == MerkleTree.hashSize, level < 53,
      MerkleTree.maximumSize - end >= 1 << UInt64(level)
    else { throw .outOfRange }
    var position = end >> UInt64(level)
    var height = UInt64(level)
    var node = hash
    end += 1 << height
    // A right child merges with its left sibling if that lies within the range; being the last
    // thing before this node, it is then the last hash.
    while !position.isMultiple(of: 2), (position - 1) << height >= start,
      let sibling = hashes.popLast()
    {
      node = MerkleTree.nodeHash(sibling, node)
      position >>= 1
      height += 1
      completed(Int(height), node)
    }
    hashes.append(node)
  }

  /// The root over the hashes, joined from the right as RFC 6962 §2.1 joins incomplete trees.
  ///
  /// It is a tree root for a range that starts at 0, and the hash of an aligned right part.
  var joined: [UInt8] {
    guard var root = hashes.last else { return MerkleTree.emptyRoot }
    for hash in hashes.dropLast().reversed() { root = MerkleTree.nodeHash(hash, root) }
    return root
  }

  /// The heights of the subtrees that cover `start..<end`, from left to right.
  package static func levels(start: UInt64, end: UInt64) -> [Int] {
    var levels: [Int] = []
    var position = start
    while position < end {
      let fitting = 63 - (end - position).leadingZeroBitCount
      let level = min(position.trailingZeroBitCount, fitting)
      levels.append(level)
      position += 1 << UInt64(level)
    }
    return levels
  }
}
