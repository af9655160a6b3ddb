import KeywardCrypto
import Testing

/// The arena.
///
/// What must be set up before OpenSSL's first use runs in a process of its own.
@Suite
struct SecureMemoryTests {
  @Test
  func growsAndShrinks() throws {
    let before = SecureMemory.report
    let large = try SecretBytes(count: 5 << 20)
    let after = SecureMemory.report
    #expect(after.mapped >= before.mapped + large.count)
    #expect(after.inUse >= large.count)
    #expect(after.backing != .unlocked)
    let inside = large.withUnsafeBytes { bytes in
      let start = UInt(bitPattern: bytes.baseAddress)
      return SecureMemory.report.ranges.contains { $0.contains(start) }
    }
    #expect(inside)
  }

  @Test
  func limitRefuses() async {
    await #expect(processExitsWith: .success) {
      try SecureMemory.activate(limit: 2 << 20)
      try #require(SecureMemory.report.opensslRouted)
      var kept: [SecretBox] = []
      do {
        while kept.count < 1000 { kept.append(SecretBox(try SecretBytes(count: 8000))) }
        Issue.record("no limit")
      } catch {
        try #require(error as? CryptoError == .outOfSecureMemory)
      }
      try #require(SecureMemory.report.mapped <= 2 << 20)
      // OpenSSL has a reserve: short of memory it does not fail, it crashes.
      let point = try #require(bytes(String(repeating: "58", count: 31) + "66"))
      _ = try PublicKey(raw: Array(point.reversed()), .ed25519)
      kept = []
      _ = try SecretBytes(count: 8000)
    }
  }

  @Test
  func lockedMemoryStandsIn() async {
    await #expect(processExitsWith: .success) {
      try SecureMemory.activate(limit: 8 << 20, backing: .mlock)
      try #require(SecureMemory.report.backing == .mlock)
      try #require(SecureMemory.report.opensslRouted)
      try SelfTest.run()
      // A child of fork would see no arena, and no core dump holds it.
      let flags = try vmFlags(of: try #require(SecureMemory.report.ranges.first).lowerBound)
      #expect(flags.isSuperset(of: ["lo", "dd", "dc"]))
    }
  }

  @Test
  func opensslFitsInOneChunk() async {
    await #expect(processExitsWith: .success) {
      try SecureMemory.activate(limit: 64 << 20)
      try SelfTest.run()
      let report = SecureMemory.report
      print("after the self-tests: \(report.inUse) bytes in use of \(report.mapped)")
      try #require(report.mapped <= 2 << 20)
      // scrypt's table lies outside the limit, and is gone afterwards.
      _ = try Scrypt.derive(
        passphrase: SecretBytes.fixture([1]),
        salt: [],
        logN: 14,
        r: 8,
        p: 1,
        count: 32
      )
      try #require(SecureMemory.report.scratch == 0)
    }
  }

  @Test
  func doubleFreeAborts() async {
    await #expect(processExitsWith: .failure) {
      let bytes = try SecretBytes(count: 32)
      let address = bytes.withUnsafeBytes { UInt(bitPattern: $0.baseAddress) }
      // Undo the live mark in the header, as an overrun of the block before would.
      let header = try #require(UnsafeMutablePointer<UInt32>(bitPattern: address - 16))
      header.pointee ^= 1
    }
  }

  @Test
  func overrunOfAChunkFaults() async {
    await #expect(processExitsWith: .failure) {
      _ = try SecretBytes(count: 32)
      let end = try #require(SecureMemory.report.ranges.first).upperBound
      try #require(UnsafeMutablePointer<UInt8>(bitPattern: end)).pointee = 1
    }
  }

  @Test
  func manyThreads() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          var random = SeededRandom(seed: UInt64(task))
          for round in 0..<2000 {
            let byte = UInt8(truncatingIfNeeded: round)
            var bytes = try SecretBytes(count: Int.random(in: 0...3000, using: &random))
            bytes.withUnsafeMutableBytes {
              _ = $0.initializeMemory(as: UInt8.self, repeating: byte)
            }
            await Task.yield()
            let intact = bytes.withUnsafeBytes { $0.allSatisfy { $0 == byte } }
            #expect(intact)
          }
        }
      }
      try await group.waitForAll()
    }
  }
}
