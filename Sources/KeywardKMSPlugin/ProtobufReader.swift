import NIOCore

/// What is wrong with the bytes of a protobuf message.
enum ProtobufError: Error {
  case malformed
}

/// Reads the fields of a protobuf message, refusing everything that is not exact.
///
/// Source: protobuf.dev/programming-guides/encoding. Slices share the storage of the message. Groups,
/// which proto3 does not have, are malformed; unknown fields are skipped by the caller's `skip`.
struct ProtobufReader {
  enum WireType: UInt64 {
    case varint = 0
    case fixed64 = 1
    case lengthDelimited = 2
    case fixed32 = 5
  }

  private var rest: ByteBuffer

  init(_ message: ByteBuffer) {
    rest = message
  }

  /// The next field's number and wire type; nil at the end.
  mutating func nextField() throws(ProtobufError) -> (number: UInt64, type: WireType)? {
    guard rest.readableBytes > 0 else { return nil }
    let tag = try readVarint()
    let number = tag >> 3
    guard (1..<1 << 29).contains(number), let type = WireType(rawValue: tag & 7) else {
      throw .malformed
    }
    return (number, type)
  }

  /// The value of a length-delimited field.
  mutating func readBytes(_ type: WireType) throws(ProtobufError) -> ByteBuffer {
    guard type == .lengthDelimited else { throw .malformed }
    guard let count = Int(exactly: try readVarint()), count <= rest.readableBytes,
      let bytes = rest.readSlice(length: count)
    else { throw .malformed }
    return bytes
  }

  /// The value of a string field, which is valid UTF-8.
  mutating func readString(_ type: WireType) throws(ProtobufError) -> String {
    let bytes = try readBytes(type)
    let text = bytes.withUnsafeReadableBytes { String(validating: $0, as: UTF8.self) }
    guard let text else { throw .malformed }
    return text
  }

  /// Passes over a value that has no meaning here.
  mutating func skip(_ type: WireType) throws(ProtobufError) {
    switch type {
    case .varint: _ = try readVarint()
    case .fixed64: try advance(8)
    case .fixed32: try advance(4)
    case .lengthDelimited: _ = try readBytes(type)
    }
  }

  private mutating func advance(_ count: Int) throws(ProtobufError) {
    guard rest.readSlice(length: count) != nil else { throw .malformed }
  }

  private mutating func readVarint() throws(ProtobufError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard let byte: UInt8 = rest.readInteger() else { throw .malformed }
      // The tenth byte holds the last bit of 64.
      guard shift < 63 || byte <= 1 else { throw .malformed }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw .malformed
  }
}
