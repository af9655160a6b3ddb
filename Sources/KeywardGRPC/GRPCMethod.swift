package import NIOCore

/// What serves one unary method.
///
/// Runs on the event loop of the connection and must not block. The message shares storage that is
/// overwritten when the handler returns: copy what is needed longer. The call is answered once, from
/// any thread, now or later.
package typealias GRPCHandler = @Sendable (_ message: ByteBuffer, _ call: GRPCCall) -> Void

/// A method of a server: its handler and the most bytes a request may have.
package struct GRPCMethod: Sendable {
  let handler: GRPCHandler
  let largestRequest: Int

  /// A method whose requests have at most `largestRequest` bytes, without their prefix.
  package init(largestRequest: Int, handler: @escaping GRPCHandler) {
    self.handler = handler
    self.largestRequest = largestRequest
  }

  /// Answers with the bytes it got: the floor of what a call costs, for benchmarks.
  package static let echo = GRPCMethod(largestRequest: 1 << 20) { message, call in
    call.respond(
      GRPCMessage(count: message.readableBytes) { buffer in
        buffer.writeImmutableBuffer(message)
      }
    )
  }
}
