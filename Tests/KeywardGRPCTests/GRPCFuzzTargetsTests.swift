import KeywardGRPC
import Testing

@Suite
struct GRPCFuzzTargetsTests {
  @Test
  func survivesRandomBytes() {
    var generator = SplitMix(state: 7)
    var sum = 0
    for _ in 0..<5000 {
      let count = Int.random(in: 0...200, using: &generator)
      // Small numbers make short frames, and so more of them.
      let bytes = (0..<count).map { _ -> UInt8 in
        Bool.random(using: &generator)
          ? 0 : UInt8.random(in: 0...255, using: &generator)
      }
      sum += GRPCFuzzTargets.framing(bytes) + GRPCFuzzTargets.frames(bytes)
    }
    #expect(sum > 0)
  }

  @Test
  func survivesEveryCutOfRealFrames() {
    let bytes =
      RawConnection.preface + RawConnection.emptySettings
      + GRPCServerTests.request(path: "/a/b", timeout: "1S", stream: 1)
    for count in 0...bytes.count {
      let passed = GRPCFuzzTargets.frames(Array(bytes.prefix(count)))
      #expect(passed <= count)
    }
  }
}
