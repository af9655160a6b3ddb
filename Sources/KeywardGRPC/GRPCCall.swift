package import NIOCore
import Synchronization

/// A running call, answered exactly once, from any thread.
///
/// A second answer, and one that comes after the deadline or after the client left, is dropped (and
/// wiped when it is secret).
///
/// Unchecked: `phase`, `received` and `expires` are confined to the event loop; the rest is atomic
/// or constant.
package final class GRPCCall: @unchecked Sendable {
  /// The connection this call came on.
  package let connection: GRPCConnection
  /// When the client stops waiting, from `grpc-timeout`; nil when it said nothing.
  package let deadline: NIODeadline?

  let streamID: Int32
  let method: GRPCMethod
  let transport: GRPCServerConnection

  enum Phase {
    /// The request is still coming in.
    case receiving
    /// The handler has it.
    case running
    /// Answered, but the client has not finished sending.
    case draining
    /// Off the connection.
    case closed
  }

  enum Outcome: Sendable {
    case message(GRPCMessage)
    case failure(GRPCStatus)
  }

  var phase = Phase.receiving
  var received: ByteBuffer?
  var expires: NIODeadline

  private let isAnswered = Atomic(false)
  private let cancellation = Atomic(false)

  init(
    streamID: Int32,
    method: GRPCMethod,
    transport: GRPCServerConnection,
    deadline: NIODeadline?,
    expires: NIODeadline
  ) {
    self.streamID = streamID
    self.method = method
    self.transport = transport
    self.deadline = deadline
    self.expires = expires
    connection = transport.connection
  }

  /// Whether nobody waits for the answer any more: the deadline passed or the client left.
  package var isCancelled: Bool { cancellation.load(ordering: .acquiring) }

  /// Answers with a message.
  package func respond(_ message: GRPCMessage) {
    answer(.message(message))
  }

  /// Answers with an error.
  package func fail(_ status: GRPCStatus) {
    answer(.failure(status))
  }

  /// Claims the one right to answer; false when it was claimed before.
  func claim() -> Bool {
    !isAnswered.exchange(true, ordering: .acquiringAndReleasing)
  }

  func cancel() {
    cancellation.store(true, ordering: .releasing)
  }

  private func answer(_ outcome: Outcome) {
    guard claim() else {
      if case .message(let message) = outcome { message.wipe() }
      return
    }
    if connection.eventLoop.inEventLoop {
      transport.finish(self, outcome)
    } else {
      transport.mailbox.post(self, outcome)
    }
  }
}
