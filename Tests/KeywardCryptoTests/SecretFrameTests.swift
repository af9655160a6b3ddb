import KeywardCrypto
import Testing

@Suite
struct SecretFrameTests {
  private func box(_ bytes: [UInt8]) throws -> SecretBox {
    SecretBox(try SecretBytes.fixture(bytes))
  }

  @Test(arguments: [[], [[]], [[1]], [[1, 2], [], [3]], [[UInt8](repeating: 7, count: 100_000)]])
  func roundTrips(values: [[UInt8]]) throws {
    let head = Array("{\"a\":1}".utf8)
    let frame = try SecretFrame.write(head: head, values: try values.map { try box($0) })
    #expect(try SecretFrame.head(of: frame, limit: 100) == head)
    let read = try SecretFrame.values(
      of: frame,
      headCount: head.count,
      lengths: values.map(\.count)
    )
    #expect(read.map { $0.bytes.revealed() } == values)
  }

  @Test(arguments: [
    [], [0], [0, 0, 0], [0, 0, 0, 1], [0xff, 0xff, 0xff, 0xff, 1, 2], [0, 0, 0, 5, 1, 2, 3, 4],
  ])
  func refusesAHeadOutsideTheFrame(bytes: [UInt8]) throws {
    let frame = try SecretBytes.fixture(bytes)
    #expect(throws: CryptoError.self) { try SecretFrame.head(of: frame, limit: 1 << 20) }
  }

  @Test
  func refusesAHeadOverItsLimit() throws {
    let frame = try SecretFrame.write(head: [1, 2, 3], values: [])
    #expect(throws: CryptoError.self) { try SecretFrame.head(of: frame, limit: 2) }
  }

  @Test(arguments: [
    [], [2], [4], [-1, 4], [3, 1], [Int.max], [Int.max, Int.max], [Int.min, 3], [1, 1],
  ])
  func refusesLengthsThatAreNotTheRest(lengths: [Int]) throws {
    let frame = try SecretFrame.write(head: [9], values: [try box([1, 2, 3])])
    #expect(throws: CryptoError.self) {
      try SecretFrame.values(of: frame, headCount: 1, lengths: lengths)
    }
    #expect(throws: CryptoError.self) {
      try SecretFrame.values(of: frame, headCount: -1, lengths: [3])
    }
    #expect(throws: CryptoError.self) {
      try SecretFrame.values(of: frame, headCount: 5, lengths: [3])
    }
  }
}
