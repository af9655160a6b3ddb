private import KeywardCrypto

/// Merkle tree hashing of RFC 6962 §2.1 with SHA-256, and proofs over stored hashes.
package enum MerkleTree {
  /// Bytes of a hash.
  package static let hashSize = 32
  /// The most leaves of a tree, 2^53, so that indices stay exact in JSON.
  package static let maximumSize: UInt64 = 1 << 53
  /// The height of a tile: a stored subtree of 256 leaves.
  package static let tileLevel = 8
  /// The leaves of a tile.
  package static let tileWidth: UInt64 = 256

  /// The root of the empty tree: SHA-256 of nothing.
  package static let emptyRoot = Digest.sha256([UInt8]())

  /// SHA-256(0x00 || entry).
  package static func leafHash(_ entry: [UInt8]) -> [UInt8] {
    var message: [UInt8] = []
    message.reserveCapacity(entry.count + 1)
    message.append(0)
    message.append(contentsOf: entry)
    return Digest.sha256(message)
  }

  /// SHA-256(0x01 || left || right).
  package static func nodeHash(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
    var message: [UInt8] = []
    message.reserveCapacity(left.count + right.count + 1)
    message.append(1)
    message.append(contentsOf: left)
    message.append(contentsOf: right)
    return Digest.sha256(message)
  }

  /// Where a proof gets the hash of the perfect subtree of 2^level leaves with number `index`:
  /// the one over the leaves `index << level ..< (index + 1) << level`.
  package typealias NodeSource = (_ level: Int, _ index: UInt64) throws -> [UInt8]

  /// The root of the first `size` leaves, from at most 53 subtree hashes.
  package static func root(size: UInt64, node: NodeSource) throws -> [UInt8] {
    guard size > 0 else { return emptyRoot }
    guard size <= maximumSize else { throw AuditError.outOfRange }
    return try subtree(0..<size, node)
  }

  /// The inclusion proof PATH(index, D[size]) of RFC 6962 §2.1.1, from the leaf up.
  ///
  /// Asks for O(log size) subtrees for each hash of the path, at most 2·log2(size) in all.
  package static func inclusionProof(
    index: UInt64,
    size: UInt64,
    node: NodeSource
  ) throws -> [[UInt8]] {
    guard index < size, size <= maximumSize else { throw AuditError.outOfRange }
    var leaves = 0..<size
    var path: [[UInt8]] = []
    while leaves.count > 1 {
      let middle = leaves.lowerBound + split(UInt64(leaves.count))
      if index < middle {
        path.append(try subtree(middle..<leaves.upperBound, node))
        leaves = leaves.lowerBound..<middle
      } else {
        path.append(try subtree(leaves.lowerBound..<middle, node))
        leaves = middle..<leaves.upperBound
      }
    }
    return path.reversed()
  }

  /// The consistency proof PROOF(first, D[second]) of RFC 6962 §2.1.2.
  ///
  /// Empty where `first` is 0 or equals `second`. Costs as an inclusion proof does.
  package static func consistencyProof(
    from first: UInt64,
    to second: UInt64,
    node: NodeSource
  ) throws -> [[UInt8]] {
    guard first <= second, second <= maximumSize else { throw AuditError.outOfRange }
    guard first > 0, first < second else { return [] }
    var leaves = 0..<second
    var path: [[UInt8]] = []
    while leaves.upperBound != first {
      let middle = leaves.lowerBound + split(UInt64(leaves.count))
      if first <= middle {
        path.append(try subtree(middle..<leaves.upperBound, node))
        leaves = leaves.lowerBound..<middle
      } else {
        path.append(try subtree(leaves.lowerBound..<middle, node))
        leaves = middle..<leaves.upperBound
      }
    }
    // What is left ends at `first`. If it is the whole first tree, the verifier has its root.
    if leaves.lowerBound > 0 { path.append(try subtree(leaves, node)) }
    return path.reversed()
  }

  /// The largest power of two below `count`, for a count of at least 2.
  private static func split(_ count: UInt64) -> UInt64 {
    1 << UInt64(63 - (count - 1).leadingZeroBitCount)
  }

  /// The hash over an aligned run of leaves, joined from perfect subtrees.
  private static func subtree(_ leaves: Range<UInt64>, _ node: NodeSource) throws -> [UInt8] {
    var position = leaves.lowerBound
    var hashes: [[UInt8]] = []
    for level in CompactRange.levels(start: leaves.lowerBound, end: leaves.upperBound) {
      let hash = try node(level, position >> UInt64(level))
      guard hash.count == hashSize else { throw AuditError.malformedHashes }
      hashes.append(hash)
      position += 1 << UInt64(level)
    }
    return try CompactRange(start: leaves.lowerBound, end: leaves.upperBound, hashes: hashes).joined
  }
}
