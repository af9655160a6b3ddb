package import NIOCore

/// One client connection as its handlers see it: who calls, and room for what they keep for it.
///
/// Unchecked: confined to the event loop; only handlers, which run there, touch `storage`.
package final class GRPCConnection: @unchecked Sendable {
  /// Unique in the life of the server.
  package let id: UInt64
  package let peer: GRPCPeer
  package let eventLoop: any EventLoop

  /// A handler's own value for this connection; use it on the event loop only.
  package var storage: (any Sendable)? {
    get {
      eventLoop.assertInEventLoop()
      return stored
    }
    set {
      eventLoop.assertInEventLoop()
      stored = newValue
    }
  }

  private var stored: (any Sendable)?

  package init(id: UInt64, peer: GRPCPeer, eventLoop: any EventLoop) {
    self.id = id
    self.peer = peer
    self.eventLoop = eventLoop
  }
}
