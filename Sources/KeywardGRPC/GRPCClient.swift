package import NIOCore
import NIOHTTP2
import NIOPosix
import Synchronization

/// One connection of a unary gRPC client; many calls run on it at once.
///
/// It does not reconnect: when the connection is lost every call fails with UNAVAILABLE.
package final class GRPCClient: Sendable {
  /// What became of a call.
  ///
  /// The bytes are overwritten when the completion returns.
  package typealias Completion = @Sendable (Result<ByteBuffer, GRPCStatus>) -> Void

  private let channel: any Channel
  private let connection: GRPCClientConnection
  private let submissions: Submissions

  private init(channel: any Channel, connection: GRPCClientConnection) {
    self.channel = channel
    self.connection = connection
    submissions = Submissions(channel.eventLoop, connection)
  }

  /// Speaks gRPC on a connected Unix stream socket.
  ///
  /// - Parameters:
  ///   - descriptor: the socket; the client closes it.
  ///   - eventLoop: where the connection runs.
  ///   - largestResponse: bytes of one response message; a larger one fails its call.
  /// - Returns: the client.
  /// - Throws: an error of NIO when the descriptor cannot be used.
  package static func start(
    connected descriptor: CInt,
    on eventLoop: any EventLoop,
    largestResponse: Int = 1 << 20
  ) async throws -> GRPCClient {
    let connection = GRPCClientConnection(largestResponse: largestResponse)
    let channel = try await ClientBootstrap(group: eventLoop)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(
            FrameAssembler(isServer: false, patience: .seconds(30), onStall: {})
          )
          try pipeline.addHandler(
            NIOHTTP2Handler(
              mode: .client,
              connectionConfiguration: HTTP2Tuning.connection(concurrentStreams: 0),
              streamConfiguration: HTTP2Tuning.stream
            )
          )
          try pipeline.addHandler(connection)
        }
      }
      .withConnectedSocket(descriptor)
      .get()
    return GRPCClient(channel: channel, connection: connection)
  }

  /// Calls a method; the completion runs on the event loop and must not block.
  package func call(
    _ method: GRPCClientMethod,
    _ message: GRPCMessage,
    completion: @escaping Completion
  ) {
    if channel.eventLoop.inEventLoop {
      connection.start(method, message, completion)
      connection.flushUnlessReading()
    } else {
      submissions.post(method, message, completion)
    }
  }

  /// Calls a method and waits.
  ///
  /// - Parameters:
  ///   - method: what to call.
  ///   - message: the request.
  ///   - decode: reads the response on the event loop; the bytes are overwritten afterwards.
  /// - Returns: what `decode` made of the response.
  /// - Throws: the status the call ended with, or what `decode` throws.
  package func call<Response: Sendable>(
    _ method: GRPCClientMethod,
    _ message: GRPCMessage,
    decode: @escaping @Sendable (ByteBuffer) throws(GRPCStatus) -> Response
  ) async throws(GRPCStatus) -> Response {
    let result = await withCheckedContinuation {
      (continuation: CheckedContinuation<Result<Response, GRPCStatus>, Never>) in
      call(method, message) { result in
        switch result {
        case .success(let bytes):
          continuation.resume(
            returning: Result { () throws(GRPCStatus) in try decode(bytes) }
          )
        case .failure(let status):
          continuation.resume(returning: .failure(status))
        }
      }
    }
    return try result.get()
  }

  /// Closes the connection; running calls fail with UNAVAILABLE.
  package func close() async {
    try? await channel.close()
  }
}

/// Calls on their way from other threads to the event loop: one wake-up for many.
private final class Submissions: Sendable {
  private typealias Entry = (
    method: GRPCClientMethod, message: GRPCMessage, completion: GRPCClient.Completion
  )

  private let eventLoop: any EventLoop
  private let connection: GRPCClientConnection
  private let pending = Mutex<[Entry]>([])

  init(_ eventLoop: any EventLoop, _ connection: GRPCClientConnection) {
    self.eventLoop = eventLoop
    self.connection = connection
  }

  func post(
    _ method: GRPCClientMethod,
    _ message: GRPCMessage,
    _ completion: @escaping GRPCClient.Completion
  ) {
    let isFirst = pending.withLock { pending in
      pending.append((method, message, completion))
      return pending.count == 1
    }
    if isFirst { eventLoop.execute { self.deliver() } }
  }

  private func deliver() {
    let batch = pending.withLock { pending in
      defer { pending = [] }
      return pending
    }
    for entry in batch { connection.start(entry.method, entry.message, entry.completion) }
    connection.flushUnlessReading()
  }
}
