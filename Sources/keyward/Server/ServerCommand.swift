import ArgumentParser
import Glibc
import KeywardModel
import KeywardSystem

/// `keyward server`: the service.
struct ServerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "server",
    abstract: "Run the server: master keys, KMS v2 sockets and the admin API.",
    discussion: """
      For a first look, in a throw-away folder, with an etcd key on a KMS socket:

        keyward server --dev --kms etcd=unix:///tmp/kms.sock

      For real, with a configuration file (docs/reference/configuration.md):

        keyward server --config /etc/keyward/server.yaml

      Options override the file. SIGTERM stops after what is running; SIGHUP reads the
      file again for the log level and the list of KMS sockets, and the certificate.
      """
  )

  @Option(help: "Read the configuration from this YAML file.")
  var config: String?

  @Flag(
    help: "NOT FOR PRODUCTION: throw-away folder, made and unsealed by itself, keys on demand."
  )
  var dev = false

  @Option(help: "Keep the store in this folder (mode 0700).")
  var dataDir: String?

  @Option(help: "Serve the admin API on this socket, as unix:///PATH.")
  var adminSocket: String?

  @Option(
    help: ArgumentHelp(
      "Serve the API over HTTPS on this address. The certificate is in the configuration file.",
      valueName: "HOST:PORT"
    )
  )
  var listen: String?

  @Option(help: "Serve a key to kube-apiserver, as KEY=unix:///PATH or KEY=unix:///@NAME.")
  var kms: [String] = []

  @Option(help: "Open the seal with this key file (mode 0600).")
  var sealKeyFile: String?

  @Option(help: "Open the seal with this systemd credential.")
  var sealCredential: String?

  @Option(help: .hidden)
  var flipSelfTest: String?

  @Flag(help: .hidden)
  var echo = false

  func run() async throws {
    do {
      try await ServerProcess(configuration: try merged(), configurationPath: config)
        .run(flippingSelfTest: flipSelfTest)
    } catch let error as ConfigurationError {
      throw complaint(error.description, code: 2)
    } catch let error as SystemError {
      throw complaint(error.message, code: 1)
    } catch let error as ServiceError {
      throw complaint(error.description, code: 1)
    }
  }

  /// The file's configuration with the options over it.
  private func merged() throws(ConfigurationError) -> ServerConfiguration {
    var result = ServerConfiguration()
    if let config { result = try ConfigurationFile.read(config) }
    result.isDevelopment = dev
    result.offersEcho = echo
    if let dataDir { result.dataDirectory = try absolute(dataDir) }
    if dev && dataDir == nil && config == nil { result.dataDirectory = try temporaryFolder() }
    do {
      if let adminSocket { result.adminEndpoint = try UnixEndpoint(parsing: adminSocket) }
      result.optionSockets = try kms.map(socket)
      result.kms += result.optionSockets
      if result.adminEndpoint == nil {
        result.adminEndpoint = try UnixEndpoint(
          path: dev ? result.dataDirectory + "/admin.sock" : "/run/keyward/admin.sock"
        )
      }
    } catch let error as SystemError {
      throw ConfigurationError(error.message)
    } catch let error as ConfigurationError {
      throw error
    } catch {
      throw ConfigurationError("\(error)")
    }
    if let sealKeyFile, sealCredential == nil {
      result.seal = .keyFile(try absolute(sealKeyFile))
    } else if let sealCredential, sealKeyFile == nil {
      result.seal = .credential(sealCredential)
    } else if sealKeyFile != nil {
      throw ConfigurationError("--seal-key-file and --seal-credential exclude each other.")
    }
    try mergeHTTPS(&result)
    try checkDoubles(result)
    return result
  }

  private func mergeHTTPS(_ result: inout ServerConfiguration) throws(ConfigurationError) {
    guard listen != nil || dev else { return }
    var https = result.https ?? HTTPSConfiguration()
    if let listen {
      guard let address = HTTPSConfiguration.Address(listen) else {
        throw ConfigurationError("--listen '\(listen)': expected HOST:PORT, as 127.0.0.1:8200.")
      }
      https.listen = address
    }
    guard https.certificate != nil || dev else {
      throw ConfigurationError(
        "--listen needs a certificate: name 'certificate' and 'key' under https in the file of"
          + " --config; see docs/reference/configuration.md."
      )
    }
    result.https = https
  }

  private func socket(_ text: String) throws -> ServerConfiguration.KMSSocket {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else {
      throw ConfigurationError(
        "--kms '\(text)': expected KEY=unix:///PATH, as etcd=unix:///run/kms.sock."
      )
    }
    let name: KeyName
    do { name = try KeyName(String(parts[0])) } catch {
      throw ConfigurationError("--kms '\(text)': the key name \(error.reason).")
    }
    return ServerConfiguration.KMSSocket(
      key: name,
      endpoint: try UnixEndpoint(parsing: String(parts[1])),
      createsKey: dev
    )
  }

  private func checkDoubles(_ configuration: ServerConfiguration) throws(ConfigurationError) {
    var seen: Set<UnixEndpoint> = []
    let all = configuration.kms.map(\.endpoint) + [configuration.adminEndpoint].compactMap { $0 }
    for endpoint in all where !seen.insert(endpoint).inserted {
      throw ConfigurationError("\(endpoint) is named twice; every socket serves one thing.")
    }
  }

  private func absolute(_ path: String) throws(ConfigurationError) -> String {
    if path.hasPrefix("/") { return path }
    guard let here = getcwd(nil, 0) else {
      throw ConfigurationError("\(path): give an absolute path.")
    }
    defer { free(here) }
    return String(cString: here) + "/" + path
  }

  private func temporaryFolder() throws(ConfigurationError) -> String {
    var template = Array("/tmp/keyward-dev-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw ConfigurationError("No folder could be made under /tmp; give one with --data-dir.")
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private func complaint(_ words: String, code: Int32) -> ExitCode {
    StandardStream.error("keyward: \(words)\n")
    return ExitCode(code)
  }
}
