/// Verification of proofs, by the algorithms of RFC 9162 §2.1.3.2 and §2.1.4.2.
///
/// Sizes and hashes may come from anyone; a proof that does not fit is simply not valid.
package enum MerkleProof {
  /// Whether the leaf hash stands at `index` in the tree of `size` leaves with this root.
  package static func includes(
    leafHash: [UInt8],
    index: UInt64,
    size: UInt64,
    path: [[UInt8]],
    root: [UInt8]
  ) -> Bool {
    guard index < size, size <= MerkleTree.maximumSize, leafHash.count == MerkleTree.hashSize
    else { return false }
    var fn = index
    var sn = size - 1
    var hash = leafHash
    for sibling in path {
      guard sn > 0, sibling.count == MerkleTree.hashSize else { return false }
      if !fn.isMultiple(of: 2) || fn == sn {
        hash = MerkleTree.nodeHash(sibling, hash)
        while fn.isMultiple(of: 2), fn != 0 {
          fn >>= 1
          sn >>= 1
        }
      } else {
        hash = MerkleTree.nodeHash(hash, sibling)
      }
      fn >>= 1
      sn >>= 1
    }
    return sn == 0 && hash == root
  }

  /// Whether the tree of `first` leaves is the beginning of the tree of `second` leaves.
  package static func extends(
    first: UInt64,
    firstRoot: [UInt8],
    second: UInt64,
    secondRoot: [UInt8],
    path: [[UInt8]]
  ) -> Bool {
    guard first <= second, second <= MerkleTree.maximumSize else { return false }
    if first == second { return path.isEmpty && firstRoot == secondRoot }
    if first == 0 { return path.isEmpty && firstRoot == MerkleTree.emptyRoot }
    guard !path.isEmpty, path.allSatisfy({ $0.count == MerkleTree.hashSize }) else { return false }
    // A first tree of 2^k leaves is a subtree of the second: its root opens the path.
    var rest = first.nonzeroBitCount == 1 ? [firstRoot] + path : path
    let seed = rest.removeFirst()
    var fn = first - 1
    var sn = second - 1
    while !fn.isMultiple(of: 2) {
      fn >>= 1
      sn >>= 1
    }
    var firstHash = seed
    var secondHash = seed
    for hash in rest {
      guard sn > 0 else { return false }
      if !fn.isMultiple(of: 2) || fn == sn {
        firstHash = MerkleTree.nodeHash(hash, firstHash)
        secondHash = MerkleTree.nodeHash(hash, secondHash)
        while fn.isMultiple(of: 2), fn != 0 {
          fn >>= 1
          sn >>= 1
        }
      } else {
        secondHash = MerkleTree.nodeHash(secondHash, hash)
      }
      fn >>= 1
      sn >>= 1
    }
    return sn == 0 && firstHash == firstRoot && secondHash == secondRoot
  }
}
