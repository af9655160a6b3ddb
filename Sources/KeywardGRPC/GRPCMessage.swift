package import NIOCore

/// One message with its length prefix, ready to be sent.
///
/// Source: grpc/doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message". The bytes of a secret message are
/// overwritten once they have been handed to the kernel, or dropped.
package struct GRPCMessage: Sendable {
  static let prefixLength = 5

  /// Prefix and payload.
  let framed: ByteBuffer
  package let isSecret: Bool

  /// Builds a message of exactly `count` bytes.
  ///
  /// The buffer has room for `count` bytes, so a secret is not left behind by a reallocation.
  package init(
    count: Int,
    isSecret: Bool = false,
    allocator: ByteBufferAllocator = ByteBufferAllocator(),
    _ write: (inout ByteBuffer) -> Void
  ) {
    precondition(count >= 0 && count <= Int(UInt32.max), "a gRPC message has a 32-bit length")
    var buffer = allocator.buffer(capacity: Self.prefixLength + count)
    buffer.writeInteger(UInt8(0))
    buffer.writeInteger(UInt32(count))
    write(&buffer)
    precondition(
      buffer.readableBytes == Self.prefixLength + count,
      "a gRPC message is as long as it said"
    )
    framed = buffer
    self.isSecret = isSecret
  }

  /// A message without bytes, such as an empty protobuf message.
  package static let empty = GRPCMessage(count: 0) { _ in }

  /// The bytes without their prefix.
  package var payload: ByteBuffer {
    framed.getSlice(
      at: framed.readerIndex + Self.prefixLength,
      length: framed.readableBytes - Self.prefixLength
    ) ?? ByteBuffer()
  }

  /// Overwrites a secret message.
  package func wipe() {
    if isSecret { framed.wipeReadableBytes() }
  }
}

/// Reads the length prefix of a received message.
package enum GRPCFraming {
  /// The single message of a unary request or response.
  ///
  /// - Parameters:
  ///   - body: everything the stream carried.
  ///   - limit: the most bytes a message may have.
  /// - Returns: the payload, which shares the storage of `body`.
  /// - Throws: the status to answer with: RESOURCE_EXHAUSTED, UNIMPLEMENTED for a compressed
  ///   message, INTERNAL for a broken frame.
  package static func unwrap(_ body: ByteBuffer, limit: Int) throws(GRPCStatus) -> ByteBuffer {
    var body = body
    guard let flag = body.readInteger(as: UInt8.self), let count = body.readInteger(as: UInt32.self)
    else {
      throw GRPCStatus(.internal, "the request holds no message")
    }
    guard flag == 0 else {
      throw flag == 1
        ? GRPCStatus(.unimplemented, "compressed messages are not supported")
        : GRPCStatus(.internal, "the message has an unknown flag")
    }
    guard count <= limit else {
      throw GRPCStatus(.resourceExhausted, "the message is larger than \(limit) bytes")
    }
    guard body.readableBytes == Int(count) else {
      throw GRPCStatus(.internal, "the length of the message does not match its prefix")
    }
    return body
  }
}
