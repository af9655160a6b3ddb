import KeywardKMSPlugin
import Testing

@Suite
struct KMSFuzzTargetsTests {
  @Test
  func survivesMutatedRequests() {
    var generator = SystemRandomNumberGenerator()
    let valid: [UInt8] = [
      0x0A, 2, 7, 8, 0x12, 1, 0x75, 0x1A, 1, 0x6B, 0x22, 8, 0x0A, 3, 0x61, 0x2E, 0x62, 0x12, 1, 9,
    ]
    var sum = 0
    for _ in 0..<20_000 {
      var bytes = valid
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        bytes[index] = UInt8.random(in: 0...255, using: &generator)
      }
      bytes.removeLast(Int.random(in: 0...4, using: &generator))
      sum += KMSFuzzTargets.messages(bytes)
    }
    #expect(sum > 0)
  }
}
