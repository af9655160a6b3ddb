import Glibc
import KeywardKMSPlugin
import KeywardModel
import KeywardService
import KeywardSystem
import Logging
import NIOCore
import NIOPosix

/// The KMS sockets that are being served.
actor PluginSet {
  private let service: KeywardService
  private let group: MultiThreadedEventLoopGroup
  private let logger: Logger
  private let offersEcho: Bool
  private var running: [(socket: ServerConfiguration.KMSSocket, server: KMSPluginServer)] = []

  init(
    service: KeywardService,
    group: MultiThreadedEventLoopGroup,
    logger: Logger,
    offersEcho: Bool
  ) {
    self.service = service
    self.group = group
    self.logger = logger
    self.offersEcho = offersEcho
  }

  /// Serves a socket on a listener; nil binds the socket's own endpoint.
  func start(
    _ socket: ServerConfiguration.KMSSocket,
    on listener: UnixListener?
  ) async throws {
    var configuration = KMSPluginServer.Configuration(
      allowedUIDs: socket.allowedUIDs ?? [0, getuid()]
    )
    configuration.offersEcho = offersEcho
    let listener = try listener ?? UnixListener.bind(socket.endpoint)
    let server = try await KMSPluginServer.start(
      group: group,
      listener: listener,
      configuration: configuration,
      backend: ServiceBackend(
        service: service,
        key: socket.key,
        principal: socket.principal.map {
          Principal(
            kind: .kmsSocket,
            name: $0.name,
            cluster: $0.cluster,
            environment: $0.environment
          )
        }
      )
    )
    running.append((socket, server))
  }

  /// Starts what is new and stops what is gone; what stays is not touched.
  ///
  /// A new socket that cannot be bound is an error before anything is stopped.
  func replace(with sockets: [ServerConfiguration.KMSSocket]) async throws {
    let taken = Set(running.map(\.socket.endpoint))
    var listeners: [UnixEndpoint: UnixListener] = [:]
    for socket in sockets where !taken.contains(socket.endpoint) {
      listeners[socket.endpoint] = try UnixListener.bind(socket.endpoint)
    }
    for (socket, server) in running where !sockets.contains(socket) {
      await server.stop()
      running.removeAll { $0.socket == socket }
      logger.notice("KMS socket stopped", metadata: ["key": "\(socket.key)"])
    }
    for socket in sockets where !running.contains(where: { $0.socket == socket }) {
      try await start(socket, on: listeners[socket.endpoint])
      logger.notice("KMS socket started", metadata: ["key": "\(socket.key)"])
    }
  }

  /// Lets running calls finish, then closes every socket.
  func stop() async {
    for (_, server) in running { await server.stop() }
    running = []
  }

  /// The counters of each socket by the name of its key.
  func metrics() -> [(key: String, socket: String, metrics: KMSPluginMetrics)] {
    running.map { ($0.socket.key.description, $0.socket.endpoint.description, $0.server.metrics) }
  }
}
