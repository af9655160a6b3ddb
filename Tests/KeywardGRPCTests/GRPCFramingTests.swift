import KeywardGRPC
import NIOCore
import Testing

@Suite
struct GRPCFramingTests {
  @Test(arguments: [
    ([], GRPCStatusCode.internal),
    ([0], .internal),
    ([0, 0, 0, 0], .internal),
    ([0, 0, 0, 0, 1], .internal),
    ([0, 0, 0, 0, 1, 7, 7], .internal),
    ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0], .internal),
    ([1, 0, 0, 0, 1, 7], .unimplemented),
    ([2, 0, 0, 0, 1, 7], .internal),
    ([0, 0, 0, 0, 5, 1, 2, 3, 4, 5], .resourceExhausted),
    ([0, 0xFF, 0xFF, 0xFF, 0xFF], .resourceExhausted),
  ])
  func refusesWhatIsNotOneMessage(bytes: [UInt8], code: GRPCStatusCode) {
    let error = #expect(throws: GRPCStatus.self) {
      try GRPCFraming.unwrap(ByteBuffer(bytes: bytes), limit: 4)
    }
    #expect(error?.code == code)
  }

  @Test(arguments: [[], [7], [1, 2, 3, 4]] as [[UInt8]])
  func unwrapsAMessageUpToTheLimit(payload: [UInt8]) throws {
    let framed: [UInt8] = [0, 0, 0, 0, UInt8(payload.count)] + payload
    let message = try GRPCFraming.unwrap(ByteBuffer(bytes: framed), limit: 4)
    #expect(Array(buffer: message) == payload)
  }

  @Test
  func wipingReachesEverySharedCopy() {
    let secret = ByteBuffer(bytes: [1, 2, 3, 4, 5, 6])
    let copy = secret
    let slice = secret.getSlice(at: 2, length: 2)
    slice?.wipeReadableBytes()
    #expect(Array(buffer: copy) == [1, 2, 0, 0, 5, 6])
    copy.wipeReadableBytes()
    #expect(Array(buffer: secret) == [0, 0, 0, 0, 0, 0])
  }
}
