package import NIOCore
import NIOHTTP2
import NIOPosix
import Synchronization

/// A unary gRPC server on a Unix socket.
///
/// It is given a listening descriptor, so that whoever binds decides on path, mode and activation.
/// Source: grpc/doc/PROTOCOL-HTTP2.md. No compression, no streaming calls, no reflection.
package final class GRPCServer: Sendable {
  /// Bounds on what clients may use.
  package struct Limits: Sendable {
    /// Connections at the same time; more are closed on arrival.
    package var connections = 1024
    /// Calls at the same time on one connection; a client queues the rest itself.
    package var concurrentStreams = 1000
    /// Bytes of unfinished requests on one connection.
    package var bufferedBytes = 4 << 20
    /// How long a preface, frame or header block may take to arrive.
    package var framePatience = TimeAmount.seconds(10)
    /// How long a request may take to arrive.
    package var requestPatience = TimeAmount.seconds(30)
    /// Answers above this size are waited for at shutdown.
    let trackedBytes = 16_384

    package init() {}
  }

  private let channel: any Channel
  private let group: any EventLoopGroup
  private let registry: Registry

  private init(channel: any Channel, group: any EventLoopGroup, registry: Registry) {
    self.channel = channel
    self.group = group
    self.registry = registry
  }

  /// Serves a bound, listening Unix stream socket.
  ///
  /// - Parameters:
  ///   - descriptor: the socket; the server closes it.
  ///   - group: where connections run.
  ///   - methods: by path, such as `/v2.KeyManagementService/Status`.
  ///   - limits: bounds on what clients may use.
  ///   - admits: whether a peer may connect; a refused one is closed before HTTP/2 and counted.
  /// - Returns: the running server.
  /// - Throws: an error of NIO when the descriptor cannot be served.
  package static func start(
    listening descriptor: CInt,
    group: any EventLoopGroup,
    methods: [String: GRPCMethod],
    limits: Limits = Limits(),
    admits: @escaping @Sendable (GRPCPeer) -> Bool
  ) async throws -> GRPCServer {
    let registry = Registry(group: group, methods: methods, limits: limits)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .childChannelOption(
        .writeBufferWaterMark,
        value: .init(low: 65_536, high: 262_144)
      )
      .childChannelInitializer { channel in
        registry.admit(channel, if: admits)
      }
    let channel = try await bootstrap.withBoundSocket(descriptor).get()
    return GRPCServer(channel: channel, group: group, registry: registry)
  }

  /// What was counted since the start.
  package var metrics: GRPCServerMetrics { registry.counters.snapshot }

  /// Stops accepting, lets running calls finish, and closes what is left after `grace`.
  package func stop(grace: TimeAmount = .seconds(5)) async {
    try? await channel.close()
    registry.drain()
    let limit = NIODeadline.now() + grace
    while registry.isInUse, NIODeadline.now() < limit {
      try? await Task.sleep(for: .milliseconds(5))
    }
    registry.abort()
    while registry.isInUse, NIODeadline.now() < limit + .seconds(1) {
      try? await Task.sleep(for: .milliseconds(5))
    }
  }
}

/// The open connections of a server and what they share.
private final class Registry: Sendable {
  let counters = GRPCServerCounters()

  private let methods: [String: GRPCMethod]
  private let limits: GRPCServer.Limits
  private let mailboxes: [ObjectIdentifier: CompletionMailbox]
  private let lastID = Atomic<UInt64>(0)
  private let state = Mutex(State())

  private struct State {
    var open: [ObjectIdentifier: GRPCServerConnection] = [:]
    var isDraining = false
  }

  init(group: any EventLoopGroup, methods: [String: GRPCMethod], limits: GRPCServer.Limits) {
    self.methods = methods
    self.limits = limits
    var mailboxes: [ObjectIdentifier: CompletionMailbox] = [:]
    for loop in group.makeIterator() {
      mailboxes[ObjectIdentifier(loop)] = CompletionMailbox(loop)
    }
    self.mailboxes = mailboxes
  }

  var isInUse: Bool { state.withLock { !$0.open.isEmpty } }

  /// Checks the peer of a fresh connection and builds its pipeline; a failed future closes it.
  func admit(
    _ channel: any Channel,
    if admits: @escaping @Sendable (GRPCPeer) -> Bool
  ) -> EventLoopFuture<Void> {
    guard let provider = channel as? any SocketOptionProvider else {
      return channel.eventLoop.makeFailedFuture(GRPCStatus(.internal, "not a socket"))
    }
    let peer: EventLoopFuture<GRPCPeer> = provider.unsafeGetSocketOption(
      level: .socket,
      name: .peerCredentials
    )
    return peer.flatMapThrowing { peer in
      guard admits(peer) else {
        self.counters.connectionsRefusedByPeer.add(1, ordering: .relaxed)
        throw GRPCStatus(.permissionDenied, "this user may not connect")
      }
      try self.build(channel, peer)
    }
  }

  func drain() {
    for connection in close() {
      connection.connection.eventLoop.execute { connection.drain() }
    }
  }

  func abort() {
    for connection in close() {
      connection.connection.eventLoop.execute { connection.abort() }
    }
  }

  private func close() -> [GRPCServerConnection] {
    state.withLock { state in
      state.isDraining = true
      return Array(state.open.values)
    }
  }

  private func build(_ channel: any Channel, _ peer: GRPCPeer) throws {
    let loop = channel.eventLoop
    let counters = counters
    let assembler = FrameAssembler(isServer: true, patience: limits.framePatience) {
      counters.connectionsStalled.add(1, ordering: .relaxed)
    }
    let handler = GRPCServerConnection(
      connection: GRPCConnection(
        id: lastID.add(1, ordering: .relaxed).newValue,
        peer: peer,
        eventLoop: loop
      ),
      mailbox: mailboxes[ObjectIdentifier(loop)] ?? CompletionMailbox(loop),
      assembler: assembler,
      methods: methods,
      limits: limits,
      counters: counters
    ) { [weak self] handler in self?.remove(handler) }
    let isWelcome = state.withLock { state in
      guard !state.isDraining, state.open.count < limits.connections else { return false }
      state.open[ObjectIdentifier(handler)] = handler
      return true
    }
    guard isWelcome else {
      counters.connectionsRefusedByLimit.add(1, ordering: .relaxed)
      throw GRPCStatus(.resourceExhausted, "too many connections")
    }
    counters.connectionsAccepted.add(1, ordering: .relaxed)
    counters.connectionsOpen.add(1, ordering: .relaxed)
    do {
      let pipeline = channel.pipeline.syncOperations
      try pipeline.addHandler(assembler)
      try pipeline.addHandler(
        NIOHTTP2Handler(
          mode: .server,
          connectionConfiguration: HTTP2Tuning.connection(
            concurrentStreams: limits.concurrentStreams
          ),
          streamConfiguration: HTTP2Tuning.stream
        )
      )
      try pipeline.addHandler(handler)
    } catch {
      // The client has left already.
      remove(handler)
      throw error
    }
  }

  private func remove(_ handler: GRPCServerConnection) {
    let wasOpen = state.withLock { $0.open.removeValue(forKey: ObjectIdentifier(handler)) != nil }
    if wasOpen { counters.connectionsOpen.subtract(1, ordering: .relaxed) }
  }
}

extension NIOBSDSocket.Option {
  /// `SO_PEERCRED`; NIO does not name it.
  fileprivate static let peerCredentials = NIOBSDSocket.Option(rawValue: 17)
}
