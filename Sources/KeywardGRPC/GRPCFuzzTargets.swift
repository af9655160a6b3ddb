import NIOCore

/// Entry points for a fuzzer: bytes in, nothing out, never a trap.
package enum GRPCFuzzTargets {
  /// The length prefix of a message, the percent and timeout codecs of headers.
  package static func framing(_ bytes: [UInt8]) -> Int {
    var sum = 0
    do throws(GRPCStatus) {
      sum += try GRPCFraming.unwrap(ByteBuffer(bytes: bytes), limit: 1 << 16).readableBytes
    } catch {
      sum += error.code.rawValue
    }
    let text = String(decoding: bytes, as: UTF8.self)
    let words = PercentEncoding.encode(text)
    precondition(PercentEncoding.decode(words) == text, "grpc-message survives its encoding")
    sum += words.utf8.count + PercentEncoding.decode(text).utf8.count
    if let timeout = GRPCTimeout.parse(text) { sum += GRPCTimeout.format(timeout).utf8.count }
    return sum
  }

  /// The search for frame ends: however the bytes are cut, the same bytes pass.
  package static func frames(_ bytes: [UInt8]) -> Int {
    var whole = FrameBoundary(awaitsPreface: bytes.count % 2 == 0)
    var cut = whole
    let expected = bytes.withUnsafeBytes { whole.advance(over: $0) }
    var passed = 0
    for end in stride(from: 1, through: bytes.count, by: 7) {
      passed += bytes[passed..<end].withUnsafeBytes { cut.advance(over: $0) }
    }
    passed += bytes[passed...].withUnsafeBytes { cut.advance(over: $0) }
    precondition(passed == expected, "where a read ends does not matter")
    return passed
  }
}
