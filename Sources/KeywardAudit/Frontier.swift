/// The right edge of the tree: all that appending and the root need, at most 53 hashes.
package struct Frontier: Equatable, Sendable {
  /// The leaves from 0 on.
  package private(set) var range: CompactRange

  /// The frontier of the empty log.
  package init() {
    range = CompactRange(start: 0)
  }

  /// Takes stored hashes, largest subtree first; fails if their number does not fit the size.
  package init(size: UInt64, hashes: [[UInt8]]) throws(AuditError) {
    range = try CompactRange(start: 0, end: size, hashes: hashes)
  }

  /// The number of leaves.
  package var size: UInt64 { range.end }

  /// The RFC 6962 root of the tree of this size.
  package var root: [UInt8] { range.joined }

  /// Appends a leaf hash and returns the hash of the tile of 256 leaves that it completes, if any.
  @discardableResult
  package mutating func append(leafHash: [UInt8]) throws(AuditError) -> [UInt8]? {
    var tile: [UInt8]?
    try range.append(leafHash, level: 0) { level, hash in
      if level == MerkleTree.tileLevel { tile = hash }
    }
    return tile
  }

  /// Appends a range that begins at this size.
  package mutating func append(_ other: CompactRange) throws(AuditError) {
    try range.append(other)
  }

  /// The storage form: the size as 8 bytes big-endian, then the hashes, largest subtree first.
  package func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 + range.hashes.count * MerkleTree.hashSize)
    for shift in stride(from: UInt64(56), through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: size >> shift))
    }
    for hash in range.hashes { bytes.append(contentsOf: hash) }
    return bytes
  }

  /// Reads the storage form, and nothing else.
  package init(decoding bytes: [UInt8]) throws(AuditError) {
    guard bytes.count >= 8, (bytes.count - 8).isMultiple(of: MerkleTree.hashSize),
      bytes.count <= 8 + 64 * MerkleTree.hashSize
    else { throw .malformedHashes }
    let size = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let hashes = stride(from: 8, to: bytes.count, by: MerkleTree.hashSize).map {
      Array(bytes[$0..<$0 + MerkleTree.hashSize])
    }
    try self.init(size: size, hashes: hashes)
  }

  /// The leaves of the first subtree that both frontiers name with two hashes: no log has both.
  func firstContradiction(to other: Frontier) -> Range<UInt64>? {
    let ours = CompactRange.levels(start: 0, end: size)
    let theirs = CompactRange.levels(start: 0, end: other.size)
    var start: UInt64 = 0
    for index in 0..<min(ours.count, theirs.count) {
      // Equal heights up to here mean equal places.
      guard ours[index] == theirs[index] else { return nil }
      let end = start + 1 << UInt64(ours[index])
      if range.hashes[index] != other.range.hashes[index] { return start..<end }
      start = end
    }
    return nil
  }
}
