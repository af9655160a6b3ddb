import KeywardCrypto
import Testing

@Suite
struct RandomSourceTests {
  @Test(arguments: [0, 1, 24, 64, 65, 5000])
  func length(count: Int) throws {
    #expect(try RandomSource.bytes(count).count == count)
  }

  @Test
  func negativeIsRefused() {
    #expect(throws: CryptoError.self) { _ = try RandomSource.bytes(-1) }
  }

  /// No draw is handed out twice, whichever thread asks.
  @Test
  func drawsAreDistinct() async throws {
    var all: Set<[UInt8]> = []
    for draws in try await Self.manyDraws() { all.formUnion(draws) }
    #expect(all.count == 8 * 5000)
    #expect(!all.contains([UInt8](repeating: 0, count: 24)))
  }

  private static func manyDraws() async throws -> [[[UInt8]]] {
    try await withThrowingTaskGroup(of: [[UInt8]].self) { group in
      for _ in 0..<8 {
        group.addTask { try (0..<5000).map { _ in try RandomSource.bytes(24) } }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
  }
}
