import Glibc
import KeywardCrypto
import KeywardHTTPAPI
import KeywardSystem
import Logging
import NIOCore
import NIOPosix

/// The API over HTTPS: its threads, its certificate and its server.
///
/// The threads are its own, and the kernel prefers the KMS sockets' to them: whatever comes over the
/// network, a kube-apiserver's Status is answered in time.
struct HTTPSListener: Sendable {
  private let group: MultiThreadedEventLoopGroup
  private let identity: TLSIdentity
  private let server: HTTPServer
  private let watch: Task<Void, Never>
  /// Where it listens, as `https://127.0.0.1:8200`.
  let address: String

  /// The niceness of the threads (setpriority(2)); on Linux each thread has its own.
  private static let niceness: CInt = 5
  /// How many threads answer: one processor stays free for the one that makes the log durable, which
  /// every answer but that of a health check waits for.
  private static let threads = min(max(System.coreCount - 1, 1), 8)

  /// Serves on the first of `addresses` that is free.
  static func start(
    _ addresses: [HTTPSConfiguration.Address],
    _ identity: TLSIdentity,
    configuration: HTTPServer.Configuration,
    service: any AdminOperations,
    logger: Logger
  ) async throws -> HTTPSListener {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
    for loop in group.makeIterator() {
      loop.execute { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness) }
    }
    var failure: any Error = ConfigurationError("https: there is no address to listen on.")
    for address in addresses {
      do {
        let server = try await HTTPServer.start(
          address: try address.resolved(),
          identity: identity,
          group: group,
          configuration: configuration,
          service: service
        )
        let port = server.address?.port ?? address.port
        return HTTPSListener(
          group: group,
          identity: identity,
          server: server,
          watch: watch(identity, logger),
          address: "https://\(address.withPort(port))"
        )
      } catch let error as IOError {
        failure = SystemError(
          cannot: "listen on \(address); stop what is there or choose another address",
          code: error.errnoCode
        )
      } catch {
        failure = error
      }
    }
    try? await group.shutdownGracefully()
    throw failure
  }

  /// Reads certificate and key again, whether they changed or not.
  func reload(_ logger: Logger) { Self.reload(identity, isForced: true, logger) }

  /// Lets running requests answer, and closes what is left after `grace`.
  func shutdown(within grace: TimeAmount) async {
    watch.cancel()
    await server.shutdown(within: grace)
    try? await group.shutdownGracefully()
  }

  /// Looks at the files every two seconds: a renewal needs nobody to send a signal.
  private static func watch(_ identity: TLSIdentity, _ logger: Logger) -> Task<Void, Never> {
    Task {
      while !Task.isCancelled {
        try? await Task.sleep(for: .seconds(2))
        reload(identity, isForced: false, logger)
      }
    }
  }

  private static func reload(_ identity: TLSIdentity, isForced: Bool, _ logger: Logger) {
    do {
      guard try identity.reload(isForced: isForced) else { return }
      logger.notice("The certificate was read again; new connections get it")
    } catch {
      logger.error(
        "The new certificate is not taken; the old one stays",
        metadata: ["error": "\(error.message)"]
      )
    }
  }
}

extension TLSIdentity {
  /// Makes a certificate of the server's own in `folder`, a new one at each start.
  static func development(
    in folder: String,
    at now: Int64,
    clientCertificates: ClientCertificates
  ) throws -> TLSIdentity {
    let made = try SelfSignedCertificate.make(
      commonName: "keyward development server",
      alternatives: "DNS:localhost,IP:127.0.0.1,IP:::1",
      from: now - 3600,
      to: now + 90 * 86_400
    )
    let certificate = developmentCertificate(in: folder)
    let key = folder + "/dev-tls.key"
    try AtomicFile.write(made.certificate, to: certificate, mode: 0o644)
    try made.key.withUnsafeBytes { bytes throws(SystemError) in
      try AtomicFile.write(bytes, to: key, mode: 0o600)
    }
    return try TLSIdentity(
      certificate: certificate,
      key: key,
      clientCertificates: clientCertificates
    )
  }

  /// Where a development server's certificate is, for clients to trust.
  static func developmentCertificate(in folder: String) -> String { folder + "/dev-tls.crt" }
}
