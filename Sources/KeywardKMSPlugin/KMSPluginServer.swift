package import KeywardGRPC
package import KeywardSystem
package import NIOCore

/// The Kubernetes KMS v2 plugin on one Unix socket.
///
/// It answers from the moment it starts, also while the backend is sealed: a kube-apiserver that
/// finds the socket refused falls into a back-off of up to two minutes.
package final class KMSPluginServer: Sendable {
  /// What one socket serves and to whom.
  package struct Configuration: Sendable {
    /// Users whose processes may connect; nobody else, whatever the mode of the socket.
    package var allowedUIDs: Set<UInt32>
    package var limits = GRPCServer.Limits()
    /// Whether `/keyward.Echo/Echo` answers; for benchmarks.
    package var offersEcho = false

    package init(allowedUIDs: Set<UInt32>) {
      self.allowedUIDs = allowedUIDs
    }
  }

  package let endpoint: UnixEndpoint

  private let listener: UnixListener
  private let server: GRPCServer
  private let service: KMSService

  private init(listener: UnixListener, server: GRPCServer, service: KMSService) {
    self.listener = listener
    self.server = server
    self.service = service
    endpoint = listener.endpoint
  }

  /// Serves a listener that was bound, or passed by systemd.
  ///
  /// - Parameters:
  ///   - group: where connections run.
  ///   - listener: the socket; taken over.
  ///   - configuration: who may connect, and the limits.
  ///   - backend: what answers.
  /// - Returns: the running plugin.
  /// - Throws: `SystemError` when the listener was used before, or an error of NIO.
  package static func start(
    group: any EventLoopGroup,
    listener: UnixListener,
    configuration: Configuration,
    backend: any KeyManagementBackend
  ) async throws -> KMSPluginServer {
    guard let descriptor = listener.takeDescriptor() else {
      throw SystemError(.inUse, "\(listener.endpoint) is served already by this process")
    }
    let service = KMSService(backend)
    let allowed = configuration.allowedUIDs
    let server = try await GRPCServer.start(
      listening: descriptor,
      group: group,
      methods: service.methods(withEcho: configuration.offersEcho),
      limits: configuration.limits
    ) { peer in allowed.contains(peer.uid) }
    return KMSPluginServer(listener: listener, server: server, service: service)
  }

  /// Binds an endpoint and serves it.
  ///
  /// - Parameters:
  ///   - group: where connections run.
  ///   - endpoint: the socket to bind, mode 0600.
  ///   - configuration: who may connect, and the limits.
  ///   - backend: what answers.
  /// - Returns: the running plugin.
  /// - Throws: `SystemError` when the endpoint is not free, or an error of NIO.
  package static func start(
    group: any EventLoopGroup,
    endpoint: UnixEndpoint,
    configuration: Configuration,
    backend: any KeyManagementBackend
  ) async throws -> KMSPluginServer {
    try await start(
      group: group,
      listener: try UnixListener.bind(endpoint),
      configuration: configuration,
      backend: backend
    )
  }

  /// What was counted since the start.
  package var metrics: KMSPluginMetrics { service.counters.snapshot(server.metrics) }

  /// Stops accepting, lets running calls finish for at most `grace`, removes the socket file.
  package func stop(grace: TimeAmount = .seconds(5)) async {
    listener.removeFile()
    await server.stop(grace: grace)
  }
}
