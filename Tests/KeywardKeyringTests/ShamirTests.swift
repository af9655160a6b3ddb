import KeywardCrypto
import KeywardKeyring
import KeywardModel
import Testing

@Suite
struct ShamirTests {
  private static let pairs: [(threshold: Int, count: Int)] = (2...8).flatMap { count in
    (2...count).map { ($0, count) }
  }

  /// All subsets of 0..<count, as sorted lists.
  private static func subsets(of count: Int) -> [[Int]] {
    (0..<(1 << count)).map { mask in (0..<count).filter { mask >> $0 & 1 == 1 } }
  }

  @Test(arguments: pairs)
  func everySubsetOfAtLeastTheThresholdCombines(threshold: Int, count: Int) throws {
    let secret = Fixtures.random(16)
    let points = try Shamir.split(
      try SecretBytes.fixture(secret),
      threshold: threshold,
      count: count
    )
    #expect(points.map { Int($0.x) } == Array(1...count))
    for subset in Self.subsets(of: count) where !subset.isEmpty {
      let combined = try Shamir.combine(subset.map { points[$0] }).revealed()
      // A subset below the threshold hits 16 bytes by chance once in 2^128.
      #expect((combined == secret) == (subset.count >= threshold), "\(subset)")
    }
  }

  @Test
  func largeSetsCombine() throws {
    let secret = Fixtures.random(8)
    for (threshold, count) in [(2, 255), (128, 255), (255, 255)] {
      let points = try Shamir.split(
        try SecretBytes.fixture(secret),
        threshold: threshold,
        count: count
      )
      let some = Array(points.shuffled().prefix(threshold))
      #expect(try Shamir.combine(some).revealed() == secret)
    }
  }

  @Test
  func oneOfOneIsTheSecret() throws {
    let secret = Fixtures.random(32)
    let points = try Shamir.split(try SecretBytes.fixture(secret), threshold: 1, count: 1)
    #expect(points.count == 1)
    #expect(try Shamir.combine(points).revealed() == secret)
  }

  @Test(arguments: [
    (0, 0), (0, 1), (1, 2), (1, 255), (2, 1), (3, 2), (2, 256), (256, 256), (-1, 3), (2, -1),
    (Int.max, Int.max),
  ])
  func impossibleSetsAreRefused(threshold: Int, count: Int) throws {
    let secret = try Fixtures.box([1, 2, 3])
    #expect(throws: KeyringError.invalidThreshold(threshold: threshold, count: count)) {
      _ = try Shamir.split(secret.bytes, threshold: threshold, count: count)
    }
  }

  @Test
  func pointsThatCannotBeAreRefused() throws {
    let y = try Fixtures.box([1, 2])
    let short = try Fixtures.box([1])
    let cases: [[Shamir.Point]] = [
      [],
      [Shamir.Point(x: 0, y: y)],
      [Shamir.Point(x: 1, y: y), Shamir.Point(x: 1, y: y)],
      [Shamir.Point(x: 1, y: y), Shamir.Point(x: 2, y: short)],
    ]
    for points in cases {
      #expect(throws: KeyringError.self) { _ = try Shamir.combine(points) }
    }
  }

  /// One point of a 2-of-2 set of a constant secret takes every byte value about equally often; a
  /// top coefficient forced to be non-zero would leave the secret's own value out.
  @Test
  func aPointBelowTheThresholdLooksUniform() throws {
    var counts = [Int](repeating: 0, count: 256)
    let secret = try Fixtures.box([UInt8](repeating: 0x42, count: 4096))
    for _ in 0..<25 {
      let points = try Shamir.split(secret.bytes, threshold: 2, count: 2)
      for byte in points[0].y.bytes.revealed() { counts[Int(byte)] += 1 }
    }
    let expected = 4096.0 * 25 / 256
    let chiSquared = counts.reduce(0.0) {
      $0 + (Double($1) - expected) * (Double($1) - expected) / expected
    }
    // 255 degrees of freedom: mean 255, deviation 22.6; seven deviations either way.
    #expect((97...413).contains(chiSquared), "chi squared \(chiSquared)")
    #expect(counts[0x42] > 0)
  }

  @Test
  func twoSplitsOfOneSecretDiffer() throws {
    let secret = try Fixtures.box(Fixtures.random(32))
    let first = try Shamir.split(secret.bytes, threshold: 3, count: 3)
    let second = try Shamir.split(secret.bytes, threshold: 3, count: 3)
    for (a, b) in zip(first, second) { #expect(a.y.bytes.revealed() != b.y.bytes.revealed()) }
  }

  /// 300 sets each way against an implementation with logarithm tables.
  @Test
  func agreesWithTheOracle() throws {
    let oracle = Oracle(script: "shamir.py")
    var lines: [String] = []
    var secrets: [String] = []
    for _ in 0..<300 {
      let count = Int.random(in: 2...20)
      let threshold = Int.random(in: 2...count)
      let secret = Fixtures.random(Int.random(in: 1...40))
      let points = try Shamir.split(
        try SecretBytes.fixture(secret),
        threshold: threshold,
        count: count
      )
      let some = points.shuffled().prefix(Int.random(in: threshold...count))
      secrets.append(Hex.encode(secret))
      lines.append(
        some.map { "\($0.x):\(Hex.encode($0.y.bytes.revealed()))" }.joined(separator: " ")
      )
    }
    #expect(try oracle.run("combine", lines) == secrets)

    var thresholds: [Int] = []
    lines = secrets.map { secret in
      let count = Int.random(in: 2...20)
      thresholds.append(Int.random(in: 2...count))
      return "\(secret) \(thresholds[thresholds.count - 1]) \(count)"
    }
    for (index, line) in try oracle.run("split", lines).enumerated() {
      let points = try line.split(separator: " ").shuffled().prefix(thresholds[index]).map { word in
        let parts = word.split(separator: ":")
        let y = try #require(Hex.decode(String(parts[1])))
        return Shamir.Point(x: try #require(UInt8(parts[0])), y: try Fixtures.box(y))
      }
      #expect(Hex.encode(try Shamir.combine(points).revealed()) == secrets[index])
    }
  }
}
