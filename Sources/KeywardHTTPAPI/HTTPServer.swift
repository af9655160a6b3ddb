package import KeywardModel
package import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// The HTTP/1.1 server of the native API: on a bound Unix socket, or with TLS on a network address.
///
/// Built on NIOHTTP1 as a library (docs/decisions/0002): what is parsed, how much of it and for how
/// long is decided here and in `HTTPConnection`, in one place each.
package final class HTTPServer: Sendable {
  /// What the server tells its owner, for the log.
  package enum Event: Sendable {
    /// A peer whose uid is not allowed was disconnected before it could send.
    case peerRefused(uid: UInt32, pid: Int32)
    case connectionRefused
    case answered(Record)
  }

  /// One answer, without anything that the client wrote except what matched the route table.
  package struct Record: Sendable {
    /// A route's name, or `none`.
    package let route: String
    package let status: Int
    package let code: ErrorCode?
    package let requestID: String
    package let peer: Peer
    package let nanoseconds: Int64
  }

  package struct Configuration: Sendable {
    package var limits = HTTPLimits()
    /// The users that may connect to a Unix socket, whatever the mode of its file.
    package var allowedUIDs: Set<UInt32>
    package var authenticator: any RequestAuthenticator = PeerAuthenticator()
    /// The counters that `/metrics` shows; servers of one process share one.
    package var figures = HTTPFigures()
    /// The answers that a repeated creation gets again, on each server of a process.
    let repetitions = IdempotencyCache()
    /// Other figures for `/metrics`, in the Prometheus text form.
    package var metrics: @Sendable () async -> String
    package var onEvent: @Sendable (Event) -> Void

    package init(
      allowedUIDs: Set<UInt32> = [],
      metrics: @escaping @Sendable () async -> String = { "" },
      onEvent: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
      self.allowedUIDs = allowedUIDs
      self.metrics = metrics
      self.onEvent = onEvent
    }
  }

  private let listener: any Channel
  private let connections: ConnectionSet
  private let load: HTTPLoad

  private init(listener: any Channel, connections: ConnectionSet, load: HTTPLoad) {
    self.listener = listener
    self.load = load
    self.connections = connections
  }

  /// Serves a bound, listening Unix socket, which the server owns and closes from now on.
  package static func start(
    descriptor: CInt,
    group: any EventLoopGroup,
    configuration: Configuration,
    service: any AdminOperations
  ) async throws -> HTTPServer {
    let shared = HTTPShared(configuration, door: .admin, service)
    let connections = ConnectionSet()
    let listener = try await ServerBootstrap(group: group)
      .serverChannelOption(ChannelOptions.backlog, value: 1024)
      .childChannelOption(ChannelOptions.maxMessagesPerRead, value: 4)
      .childChannelInitializer { channel in
        accept(channel, shared, connections)
      }
      .withBoundSocket(descriptor)
      .get()
    return HTTPServer(listener: listener, connections: connections, load: shared.load)
  }

  /// Serves HTTPS on an address; the port 0 takes any that is free.
  package static func start(
    address: SocketAddress,
    identity: TLSIdentity,
    group: any EventLoopGroup,
    configuration: Configuration,
    service: any AdminOperations
  ) async throws -> HTTPServer {
    let shared = HTTPShared(configuration, door: .https, service, chains: identity.chains)
    let connections = ConnectionSet()
    let listener = try await ServerBootstrap(group: group)
      .serverChannelOption(ChannelOptions.backlog, value: 1024)
      .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(ChannelOptions.maxMessagesPerRead, value: 4)
      .childChannelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        accept(channel, shared, connections, identity)
      }
      .bind(to: address)
      .get()
    return HTTPServer(listener: listener, connections: connections, load: shared.load)
  }

  /// Where the server listens; nil on a Unix socket.
  package var address: SocketAddress? {
    guard let address = listener.localAddress, address.port != nil else { return nil }
    return address
  }

  /// The memory that request bodies hold now.
  package var bodyBytes: Int { load.bodyBytes }

  /// The requests that have no answer yet.
  package var requests: Int { load.requests }

  /// Stops accepting, lets running requests answer, and closes what is left after `grace`.
  package func shutdown(within grace: TimeAmount) async {
    try? await listener.close()
    connections.drain()
    let end = NIODeadline.now() + grace
    while connections.count > 0, NIODeadline.now() < end {
      try? await Task.sleep(for: .milliseconds(10))
    }
    await connections.closeAll()
  }

  /// Asks the kernel who is at the other end before a byte is read.
  private static func accept(
    _ channel: any Channel,
    _ shared: HTTPShared,
    _ connections: ConnectionSet
  ) -> EventLoopFuture<Void> {
    guard shared.load.openConnection() else {
      shared.metrics.countRefusedConnection()
      shared.configuration.onEvent(.connectionRefused)
      return channel.close()
    }
    channel.closeFuture.whenComplete { _ in
      shared.load.closeConnection()
      connections.remove(channel)
    }
    return KernelPeer.of(channel).flatMap { peer in
      guard shared.configuration.allowedUIDs.contains(peer.uid) else {
        shared.metrics.countRefusedPeer()
        shared.configuration.onEvent(.peerRefused(uid: peer.uid, pid: peer.pid))
        return channel.close()
      }
      return channel.eventLoop.makeCompletedFuture {
        guard connections.insert(channel) else { throw ChannelError.ioOnClosedChannel }
        try configure(channel, shared, .unix(uid: peer.uid, pid: peer.pid))
      }
    }
  }

  /// Takes a connection whose peer the handshake will tell.
  private static func accept(
    _ channel: any Channel,
    _ shared: HTTPShared,
    _ connections: ConnectionSet,
    _ identity: TLSIdentity
  ) -> EventLoopFuture<Void> {
    guard let address = channel.remoteAddress.flatMap({ NetworkAddress($0) }),
      shared.load.openConnection(from: address)
    else {
      shared.metrics.countRefusedConnection()
      shared.configuration.onEvent(.connectionRefused)
      return channel.close()
    }
    channel.closeFuture.whenComplete { _ in
      shared.load.closeConnection(from: address)
      connections.remove(channel)
    }
    return channel.eventLoop.makeCompletedFuture {
      guard connections.insert(channel) else { throw ChannelError.ioOnClosedChannel }
      let handshake = TLSHandshake(
        address,
        identity.chains,
        shared.metrics,
        on: channel.eventLoop
      )
      try channel.pipeline.syncOperations.addHandlers([
        NIOSSLServerHandler(
          context: identity.context,
          customVerificationCallback: { handshake.take($0, $1) },
          configuration: .init()
        ),
        handshake,
      ])
      try configure(channel, shared, .network(address, certificates: []))
    }
  }

  private static func configure(
    _ channel: any Channel,
    _ shared: HTTPShared,
    _ peer: Peer
  ) throws {
    let limits = shared.configuration.limits
    var bounds = NIOHTTPDecoderLimitConfiguration()
    bounds.maxHeaderFieldSize = limits.headerFieldBytes
    bounds.maxHeaderListSize = limits.headerBytes
    bounds.maxHeaderFieldCount = limits.headerFields
    let decoder = HTTPRequestDecoder(
      leftOverBytesStrategy: .dropBytes,
      informationalResponseStrategy: .drop,
      limitConfiguration: bounds
    )
    try channel.pipeline.syncOperations.addHandlers([
      HTTPResponseEncoder(),
      ByteToMessageHandler(decoder),
      HTTPConnection(shared, peer),
    ])
  }
}
