import KeywardAudit
import KeywardCrypto
import Testing

@Suite
struct MerkleTreeTests {
  /// The leaves of the Certificate Transparency reference tests.
  static let reference: [[UInt8]] = [
    [], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], [0x40, 0x41, 0x42, 0x43],
    [0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
    [
      0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e,
      0x6f,
    ],
  ]

  /// The roots that those tests publish for 0 to 8 leaves.
  @Test(arguments: [
    (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    (4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    (5, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    (6, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    (7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
  ])
  func reproducesTheReferenceRoots(_ size: Int, _ root: String) throws {
    var frontier = Frontier()
    for leaf in Self.reference.prefix(size) {
      try frontier.append(leafHash: MerkleTree.leafHash(leaf))
    }
    #expect(hex(frontier.root) == root)
    #expect(try hex(MerkleTree.root(size: UInt64(size), node: Self.tree(Self.reference))) == root)
  }

  /// The inclusion paths that those tests publish.
  @Test(arguments: [
    (0, 1, []),
    (
      0, 8,
      [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
      ]
    ),
    (
      5, 8,
      [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      ]
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
      1, 5,
      [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      ]
    ),
  ])
  func reproducesTheReferenceInclusionPaths(
    _ index: UInt64,
    _ size: UInt64,
    _ path: [String]
  ) throws {
    let proof = try MerkleTree.inclusionProof(
      index: index,
      size: size,
      node: Self.tree(Self.reference)
    )
    #expect(proof.map(hex) == path)
  }

  /// The consistency proofs that those tests publish.
  @Test(arguments: [
    (1, 1, []),
    (
      1, 8,
      [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
      ]
    ),
    (
      6, 8,
      [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      ]
    ),
    (
      2, 5,
      [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      ]
    ),
  ])
  func reproducesTheReferenceConsistencyProofs(
    _ first: UInt64,
    _ second: UInt64,
    _ path: [String]
  ) throws {
    let proof = try MerkleTree.consistencyProof(
      from: first,
      to: second,
      node: Self.tree(Self.reference)
    )
    #expect(proof.map(hex) == path)
  }

  @Test
  func everyProofOfSmallTreesVerifiesAndNoOtherDoes() throws {
    let leaves = (0..<40).map { [UInt8($0)] }
    let node = Self.tree(leaves)
    let roots = (0...leaves.count).map { Self.naiveRoot(leaves[..<$0]) }
    for size in 1...leaves.count {
      for index in 0..<size {
        let path = try MerkleTree.inclusionProof(
          index: UInt64(index),
          size: UInt64(size),
          node: node
        )
        let leaf = MerkleTree.leafHash(leaves[index])
        func holds(_ index: Int, _ size: Int, _ path: [[UInt8]], _ leaf: [UInt8]) -> Bool {
          MerkleProof.includes(
            leafHash: leaf,
            index: UInt64(index),
            size: UInt64(size),
            path: path,
            root: roots[size]
          )
        }
        #expect(holds(index, size, path, leaf))
        #expect(!holds(index, size, path + [leaf], leaf))
        #expect(!holds(index, size, path, MerkleTree.leafHash([255])))
        if size > 1 {
          #expect(!holds((index + 1) % size, size, path, leaf))
          #expect(!holds(index, size, Array(path.dropLast()), leaf))
        }
      }
      for first in 0...size {
        let path = try MerkleTree.consistencyProof(
          from: UInt64(first),
          to: UInt64(size),
          node: node
        )
        func holds(_ path: [[UInt8]], _ firstRoot: [UInt8], _ secondRoot: [UInt8]) -> Bool {
          MerkleProof.extends(
            first: UInt64(first),
            firstRoot: firstRoot,
            second: UInt64(size),
            secondRoot: secondRoot,
            path: path
          )
        }
        let wrong = MerkleTree.leafHash([254])
        #expect(holds(path, roots[first], roots[size]))
        #expect(!holds(path, wrong, roots[size]))
        #expect(!holds(path + [wrong], roots[first], roots[size]))
        if first > 0 { #expect(!holds(path, roots[first], wrong)) }
        if !path.isEmpty { #expect(!holds(Array(path.dropLast()), roots[first], roots[size])) }
      }
    }
  }

  @Test
  func refusesProofsOutsideTheTree() {
    let node = Self.tree(Self.reference)
    #expect(throws: AuditError.outOfRange) {
      try MerkleTree.inclusionProof(index: 8, size: 8, node: node)
    }
    #expect(throws: AuditError.outOfRange) {
      try MerkleTree.consistencyProof(from: 9, to: 8, node: node)
    }
    let hash = MerkleTree.leafHash([])
    #expect(
      !MerkleProof.includes(
        leafHash: hash,
        index: .max,
        size: .max,
        path: [hash],
        root: hash
      )
    )
    #expect(
      !MerkleProof.extends(
        first: .max,
        firstRoot: hash,
        second: .max,
        secondRoot: hash,
        path: []
      )
    )
  }

  @Test
  func storedTilesGiveTheSameProofsAsLeaves() throws {
    let hashes = (0..<3000).map { MerkleTree.leafHash(Array(String($0).utf8)) }
    var frontier = Frontier()
    var tiles: [[UInt8]] = []
    var roots = [frontier.root]
    for hash in hashes {
      if let tile = try frontier.append(leafHash: hash) { tiles.append(tile) }
      roots.append(frontier.root)
    }
    #expect(tiles.count == 3000 / 256)
    let leafRun: StoredHashes.Run = { Array(hashes[Int($0.lowerBound)..<Int($0.upperBound)]) }
    let stored = [
      StoredHashes(leaves: leafRun),
      StoredHashes(
        leaves: leafRun,
        tiles: { Array(tiles[Int($0.lowerBound)..<Int($0.upperBound)]) }
      ),
    ]
    for index in [0, 1, 255, 256, 1023, 2047, 2048, 2999] {
      for store in stored {
        let path = try MerkleTree.inclusionProof(
          index: UInt64(index),
          size: 3000,
          node: store.node
        )
        #expect(
          MerkleProof.includes(
            leafHash: hashes[index],
            index: UInt64(index),
            size: 3000,
            path: path,
            root: roots[3000]
          )
        )
        let proof = try MerkleTree.consistencyProof(
          from: UInt64(index),
          to: 3000,
          node: store.node
        )
        #expect(
          MerkleProof.extends(
            first: UInt64(index),
            firstRoot: roots[index],
            second: 3000,
            secondRoot: roots[3000],
            path: proof
          )
        )
      }
    }
  }

  @Test
  func frontiersSurviveStorage() throws {
    var frontier = Frontier()
    for number in 0..<300 {
      let bytes = frontier.encoded()
      let read = try Frontier(decoding: bytes)
      #expect(read == frontier)
      #expect(throws: AuditError.malformedHashes) { try Frontier(decoding: bytes + [0]) }
      if number > 0 {
        #expect(throws: AuditError.malformedHashes) { try Frontier(decoding: bytes.dropLast(32)) }
      }
      try frontier.append(leafHash: MerkleTree.leafHash(Array(String(number).utf8)))
    }
    #expect(throws: AuditError.malformedHashes) {
      try Frontier(decoding: [UInt8](repeating: 0xff, count: 8 + 64 * 32))
    }
    #expect(throws: AuditError.malformedHashes) { try Frontier(decoding: []) }
  }

  @Test
  func adjoiningRangesMakeTheWholeTree() throws {
    let hashes = (0..<70).map { MerkleTree.leafHash([UInt8($0)]) }
    func range(_ start: Int, _ end: Int) throws -> CompactRange {
      var range = CompactRange(start: UInt64(start))
      for hash in hashes[start..<end] { try range.append(leafHash: hash) }
      return range
    }
    for first in 0...hashes.count {
      for second in stride(from: first, through: hashes.count, by: 7) {
        var joined = try range(0, first)
        let middle = try range(first, second)
        #expect(
          try CompactRange(start: middle.start, end: middle.end, hashes: middle.hashes) == middle
        )
        try joined.append(middle)
        try joined.append(try range(second, hashes.count))
        #expect(try joined == range(0, hashes.count))
      }
    }
    var tail = try range(3, 5)
    #expect(throws: AuditError.outOfRange) { try tail.append(try range(6, 7)) }
    #expect(throws: AuditError.outOfRange) { try tail.append(leafHash: [1]) }
  }

  /// A source of subtree hashes straight from RFC 6962's definition.
  private static func tree(_ leaves: [[UInt8]]) -> MerkleTree.NodeSource {
    { level, index in
      let start = Int(index) << level
      return naiveRoot(leaves[start..<start + 1 << level])
    }
  }

  /// MTH of RFC 6962 §2.1, word by word.
  private static func naiveRoot(_ leaves: ArraySlice<[UInt8]>) -> [UInt8] {
    guard leaves.count > 1 else {
      return leaves.first.map { Digest.sha256([0] + $0) } ?? Digest.sha256([UInt8]())
    }
    var k = 1
    while k * 2 < leaves.count { k *= 2 }
    let middle = leaves.startIndex + k
    return Digest.sha256(
      [1] + naiveRoot(leaves[..<middle]) + naiveRoot(leaves[middle...])
    )
  }
}

func hex(_ bytes: [UInt8]) -> String {
  bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}
