import Glibc
import KeywardCloud
import KeywardCrypto
import KeywardHTTPAPI
import KeywardKMSPlugin
import KeywardModel
import KeywardPolicy
import KeywardService
import KeywardStore
import KeywardSystem
import Logging
import NIOCore
import NIOPosix

/// The server put together: order of start, life and end.
struct ServerProcess {
  let configuration: ServerConfiguration
  let configurationPath: String?

  /// Runs until SIGTERM or SIGINT.
  func run(flippingSelfTest flipped: String?) async throws {
    // Before anything else is allocated by OpenSSL, and before the first key.
    try ProcessHardening.apply()
    try prepareCrypto(flipping: flipped)
    var logger = Logger(label: "keyward") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = Logger.Level(rawValue: configuration.logLevel) ?? .info

    // Before the first socket: their default action would end the process in the middle of a call.
    let signals = SignalSource.stream([.terminate, .interrupt, .hangUp])
    try PrivateDirectory.prepare(configuration.dataDirectory)
    let folder = try DirectoryLock(configuration.dataDirectory)
    // Sockets first: a kube-apiserver that finds one refused falls into a back-off of minutes.
    var activation = try SocketActivation(environment: environment)
    let admin = try listen(configuration.adminEndpoint, named: "admin", &activation)
    let sockets = try configuration.kms.map { socket in
      (socket, try listen(socket.endpoint, named: socket.key.description, &activation))
    }
    let store = try openStore()
    let service = try makeService(store, logger)
    // An automatic seal opens before the first call is taken: callers wait in the sockets' backlog
    // that long, instead of being told that the server is sealed.
    try await service.start()
    try await prepareDevelopment(service, logger)
    await makeKeys(service, configuration.kms, logger)
    let threads = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    // The admin API has a thread of its own: a flood there does not delay a Status.
    let adminThread = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let plugins = PluginSet(
      service: service,
      group: threads,
      logger: logger,
      offersEcho: configuration.offersEcho
    )
    for (socket, listener) in sockets {
      try await plugins.start(socket, on: listener)
    }
    let api = configured(for: service, plugins, logger)
    let http = try await startAdmin(admin, service, api, adminThread)
    let https = try await startHTTPS(service, api, logger)
    let notify = SystemNotify(environment: environment)
    notify.ready(status: service.readiness().reason)
    announce(service, https)

    await live(service, plugins, https, notify, signals, &logger)

    notify.stopping(status: "finishing what is running")
    logger.notice("Stopping")
    await plugins.stop()
    async let drained: Void? = https?.shutdown(within: .seconds(5))
    await http?.shutdown(within: .seconds(5))
    _ = await drained
    admin?.removeFile()
    await service.stop()
    // A clean stop leaves one file: a copy of it is the store.
    do { try store.settle() } catch {
      logger.error("The write-ahead log stays beside the store", metadata: ["error": "\(error)"])
    }
    try? await threads.shutdownGracefully()
    try? await adminThread.shutdownGracefully()
    logger.notice("Stopped")
    _ = consume folder
  }

  // MARK: - Start

  private func prepareCrypto(flipping flipped: String?) throws {
    do {
      try SecureMemory.activate(limit: configuration.memoryLimit << 20)
      try SelfTest.run(flipping: flipped)
    } catch CryptoError.selfTestFailed(let name) {
      throw SystemError(
        .failed,
        "the cryptographic self-test '\(name)' failed; the server does not start"
      )
    } catch CryptoError.invalidInput(let words) {
      throw ConfigurationError("The cryptography cannot be set up: \(words).")
    } catch {
      throw SystemError(
        .failed,
        "no locked memory for keys (\(error)); raise RLIMIT_MEMLOCK (LimitMEMLOCK= in the unit)"
      )
    }
  }

  private func listen(
    _ endpoint: UnixEndpoint?,
    named name: String,
    _ activation: inout SocketActivation
  ) throws -> UnixListener? {
    guard let endpoint else { return nil }
    if let socket = activation.take(name) { return UnixListener.adopt(socket, as: endpoint) }
    return try UnixListener.bind(endpoint)
  }

  private func openStore() throws(SystemError) -> SQLiteStore {
    do {
      return try SQLiteStore.open(
        directory: configuration.dataDirectory,
        anchorPath: configuration.anchorFile
      )
    } catch {
      throw SystemError(.failed, "\(error)")
    }
  }

  private func makeService(_ store: SQLiteStore, _ logger: Logger) throws -> KeywardService {
    var options = ServiceOptions()
    options.destructionDelay = configuration.destructionDelay
    options.auditOrigin = configuration.auditOrigin
    options.isDevelopment = configuration.isDevelopment
    options.takesForeignEndpoints =
      configuration.isDevelopment || configuration.takesForeignEndpoints
    if configuration.takesForeignEndpoints {
      logger.warning(
        "unsafe_destination_endpoints: who may write a destination says where keys and credentials go"
      )
    }
    return KeywardService(
      store: store,
      time: SystemTime(),
      policy: CompiledPolicy.builtIn(officerUIDs: configuration.adminUIDs ?? ownUIDs),
      options: options,
      sealSource: try sealSource(),
      keySetSource: KeySetFetcher(authorities: configuration.keySetAuthorities),
      exporter: CloudGateway(
        trust: CloudTrust(
          credentialsDirectory: configuration.credentialsDirectory,
          takesForeignEndpoints: options.takesForeignEndpoints
        )
      ),
      logger: logger
    ) { error in
      logger.critical("The disk failed; the server stops", metadata: ["error": "\(error)"])
      // Not exit(): nothing may run that could answer or write once more.
      _exit(70)
    }
  }

  private func sealSource() throws -> SealSource? {
    switch configuration.seal {
    case nil:
      guard configuration.isDevelopment else { return nil }
      let path = configuration.dataDirectory + "/dev-seal.key"
      if access(path, F_OK) != 0 {
        let secret = try SecretBytes.random(count: 32)
        try secret.withUnsafeBytes { bytes in try AtomicFile.write(bytes, to: path) }
      }
      return .keyFile(path)
    case .keyFile(let path):
      return .keyFile(path)
    case .credential(let name):
      guard let folder = environment["CREDENTIALS_DIRECTORY"] else {
        throw ConfigurationError(
          "The seal is the credential '\(name)', but CREDENTIALS_DIRECTORY is not set: start the "
            + "server by systemd with LoadCredential=\(name):PATH."
        )
      }
      return .credential(name, folder: folder)
    }
  }

  /// What both doors of the API have in common.
  private func configured(
    for service: KeywardService,
    _ plugins: PluginSet,
    _ logger: Logger
  ) -> HTTPServer.Configuration {
    var shared = HTTPServer.Configuration(
      allowedUIDs: configuration.adminUIDs ?? ownUIDs,
      metrics: { ServerMetrics.text(service, await plugins.metrics()) },
      onEvent: { event in
        guard case .peerRefused(let uid, let pid) = event else { return }
        logger.warning(
          "A process of a user that is not allowed was refused on the admin socket",
          metadata: ["uid": "\(uid)", "pid": "\(pid)"]
        )
      }
    )
    shared.authenticator = ServiceAuthenticator(service)
    return shared
  }

  private func startAdmin(
    _ listener: UnixListener?,
    _ service: KeywardService,
    _ configuration: HTTPServer.Configuration,
    _ group: MultiThreadedEventLoopGroup
  ) async throws -> HTTPServer? {
    guard let descriptor = listener?.takeDescriptor() else { return nil }
    return try await HTTPServer.start(
      descriptor: descriptor,
      group: group,
      configuration: configuration,
      service: ServiceAdapter(service)
    )
  }

  private func startHTTPS(
    _ service: KeywardService,
    _ api: HTTPServer.Configuration,
    _ logger: Logger
  ) async throws -> HTTPSListener? {
    guard let https = configuration.https else { return nil }
    let identity: TLSIdentity
    if let certificate = https.certificate, let key = https.key {
      identity = try TLSIdentity(
        certificate: certificate,
        key: key,
        clientCertificates: https.clientCertificates
      )
    } else {
      identity = try TLSIdentity.development(
        in: configuration.dataDirectory,
        at: SystemTime().now().milliseconds / 1000,
        clientCertificates: https.clientCertificates
      )
    }
    let standard = HTTPSConfiguration.Address(HTTPSConfiguration.standardAddress)
    var addresses = [https.listen ?? standard].compactMap { $0 }
    if https.listen == nil, configuration.isDevelopment, let standard {
      // Several development servers beside each other: the next ones take any port, and say which.
      addresses.append(standard.withPort(0))
    }
    var api = api
    api.limits = https.limits
    return try await HTTPSListener.start(
      addresses,
      identity,
      configuration: api,
      service: ServiceAdapter(service),
      logger: logger
    )
  }

  /// A development server makes its store, and opens it by a key file beside it.
  private func prepareDevelopment(_ service: KeywardService, _ logger: Logger) async throws {
    guard configuration.isDevelopment, !service.sealStatus().initialized else { return }
    let caller = Caller(
      principal: Principal(kind: .unixPeer, name: "uid:\(getuid())", uid: getuid(), pid: getpid()),
      transport: .server,
      requestID: "dev"
    )
    do {
      _ = try await service.initialize(
        caller,
        SealRequest(seal: .keyFile, shares: 1, threshold: 1),
        passphrase: SecretBox(try SecretBytes(count: 0))
      )
    } catch {
      throw SystemError(.failed, "the development store could not be made: \(error)")
    }
  }

  private func makeKeys(
    _ service: KeywardService,
    _ sockets: [ServerConfiguration.KMSSocket],
    _ logger: Logger
  ) async {
    for socket in sockets where socket.createsKey {
      do {
        try await service.ensureKMSKey(socket.key)
      } catch {
        guard error != .sealed, error != .notInitialized else { continue }
        logger.error("A KMS key could not be made", metadata: ["error": "\(error)"])
      }
    }
  }

  private func announce(_ service: KeywardService, _ https: HTTPSListener?) {
    if configuration.isDevelopment {
      StandardStream.output(
        """
        NOT FOR PRODUCTION: a development server. The store is in
        \(configuration.dataDirectory), its seal is a key file beside it.

          export KEYWARD_ADDR=\(configuration.adminEndpoint?.description ?? "")

        """
      )
      if let https, configuration.https?.certificate == nil {
        StandardStream.output(
          """
          Over HTTPS, with a certificate of the server's own, which clients have to be told of:

            export KEYWARD_ADDR=\(https.address)
            export KEYWARD_CACERT=\(TLSIdentity.developmentCertificate(in: configuration.dataDirectory))

          """
        )
      }
    }
    for socket in configuration.kms {
      StandardStream.output("KMS v2: key '\(socket.key)' on \(socket.endpoint)")
    }
    if let endpoint = configuration.adminEndpoint {
      StandardStream.output("Admin API on \(endpoint)")
    }
    if let https { StandardStream.output("HTTPS API on \(https.address)") }
    let status = service.sealStatus()
    if !status.initialized {
      StandardStream.output("The store is new. Make its root key with: keyward operator init")
    } else if status.sealed {
      StandardStream.output("Sealed. Unseal with: keyward operator unseal")
      if let reason = status.reason { StandardStream.output("Reason: \(reason)") }
    }
  }

  // MARK: - Life

  /// Carries out what falls due, once a second, until a signal ends it.
  private func live(
    _ service: KeywardService,
    _ plugins: PluginSet,
    _ https: HTTPSListener?,
    _ notify: SystemNotify,
    _ signals: AsyncStream<SignalSource.Signal>,
    _ logger: inout Logger
  ) async {
    let waiting = configuration.kms.filter(\.createsKey)
    let log = logger
    let maintenance = Task {
      var count = 0
      // A store that is sealed at the start gets its KMS keys when it is open.
      var haveKeys = service.readiness().isReady
      while !Task.isCancelled {
        try? await Task.sleep(for: .seconds(1))
        count += 1
        await service.tick(count)
        if !haveKeys && service.readiness().isReady {
          haveKeys = true
          await makeKeys(service, waiting, log)
        }
      }
    }
    // Apart from what falls due: a long round of rotations is no reason to be killed.
    let watchdog = Task {
      while !Task.isCancelled {
        notify.watchdog()
        try? await Task.sleep(for: .seconds(1))
      }
    }
    for await signal in signals {
      guard signal == .hangUp else { break }
      notify.reloading()
      https?.reload(logger)
      await reload(service, plugins, &logger)
      notify.ready()
    }
    maintenance.cancel()
    watchdog.cancel()
  }

  /// Reads the file again: the list of KMS sockets takes effect, other changes ask for a restart.
  private func reload(
    _ service: KeywardService,
    _ plugins: PluginSet,
    _ logger: inout Logger
  ) async {
    guard let configurationPath else {
      logger.notice("There is no configuration file to read again")
      return
    }
    do {
      let new = try ConfigurationFile.read(configurationPath)
      let sockets = new.kms + configuration.optionSockets
      await makeKeys(service, sockets, logger)
      try await plugins.replace(with: sockets)
      logger.logLevel = Logger.Level(rawValue: new.logLevel) ?? .info
      logger.notice("Configuration read again; all but kms and log_level wait for a restart")
    } catch {
      logger.error(
        "The configuration is not taken; the old one stays",
        metadata: ["error": "\(error)"]
      )
    }
  }

  private var ownUIDs: Set<UInt32> { [0, getuid()] }

  private var environment: [String: String] { ProcessEnvironment.all }
}
