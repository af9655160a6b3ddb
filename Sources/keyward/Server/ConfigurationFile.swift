import Glibc
import KeywardHTTPAPI
import KeywardModel
import KeywardSystem
import Yams

/// Reads the YAML of `keyward server --config`; unknown and doubled keys are errors with their line.
struct ConfigurationFile: StrictYAML {
  static let reference = "docs/reference/configuration.md"

  let path: String

  /// The configuration in the file at `path`.
  static func read(_ path: String) throws(ConfigurationError) -> ServerConfiguration {
    let text: String
    do {
      text = try String(readingUTF8FileAt: path)
    } catch {
      throw ConfigurationError("\(path): \(error)")
    }
    return try ConfigurationFile(path: path).parse(text)
  }

  func parse(_ text: String) throws(ConfigurationError) -> ServerConfiguration {
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw problem(error)
    } catch {
      throw ConfigurationError("\(path): this is not YAML")
    }
    var configuration = ServerConfiguration()
    guard let root else { return configuration }
    try fields(of: root, "the configuration") { name, node throws(ConfigurationError) in
      switch name {
      case "data_dir": configuration.dataDirectory = try absolute(node)
      case "anchor_file": configuration.anchorFile = try absolute(node)
      case "admin": try admin(node, &configuration)
      case "https": configuration.https = try https(node)
      case "kms":
        for item in try list(node) { configuration.kms.append(try kms(item)) }
      case "seal": configuration.seal = try seal(node)
      case "memory_limit_mib":
        configuration.memoryLimit = try number(node, 8...65_536)
      case "destruction_delay":
        configuration.destructionDelay = Int64(try number(node, 0...315_360_000))
      case "key_set_authorities": configuration.keySetAuthorities = try absolute(node)
      case "credentials_dir": configuration.credentialsDirectory = try absolute(node)
      case "unsafe_destination_endpoints":
        configuration.takesForeignEndpoints = try flag(node)
      case "audit_origin": configuration.auditOrigin = try origin(node)
      case "log_level": configuration.logLevel = try level(node)
      default: return false
      }
      return true
    }
    return configuration
  }

  private func admin(
    _ node: Node,
    _ configuration: inout ServerConfiguration
  ) throws(ConfigurationError) {
    try fields(of: node, "admin") { name, node throws(ConfigurationError) in
      switch name {
      case "socket": configuration.adminEndpoint = try endpoint(node)
      case "allowed_uids": configuration.adminUIDs = try uids(node)
      default: return false
      }
      return true
    }
  }

  private func https(_ node: Node) throws(ConfigurationError) -> HTTPSConfiguration {
    var https = HTTPSConfiguration()
    try fields(of: node, "https") { name, node throws(ConfigurationError) in
      switch name {
      case "listen":
        guard let address = HTTPSConfiguration.Address(try text(node)) else {
          throw wrong(node, "this is HOST:PORT, as 127.0.0.1:8200 or '[::1]:8200'")
        }
        https.listen = address
      case "certificate": https.certificate = try absolute(node)
      case "key": https.key = try absolute(node)
      case "client_certificates":
        guard let mode = TLSIdentity.ClientCertificates(rawValue: try text(node)) else {
          throw wrong(node, "client_certificates is off, optional or required")
        }
        https.clientCertificates = mode
      case "requests_per_principal": https.requestsPerPrincipal = try number(node, 0...1_000_000)
      case "requests_per_address": https.requestsPerAddress = try number(node, 0...1_000_000)
      case "connections": https.connections = try number(node, 1...65_536)
      case "connections_per_address": https.connectionsPerAddress = try number(node, 1...65_536)
      default: return false
      }
      return true
    }
    guard https.certificate != nil, https.key != nil else {
      throw wrong(node, "https needs 'certificate' and 'key', paths of PEM files")
    }
    return https
  }

  private func kms(_ node: Node) throws(ConfigurationError) -> ServerConfiguration.KMSSocket {
    var key: KeyName?
    var socket: UnixEndpoint?
    var allowed: Set<UInt32>?
    var principal: ServerConfiguration.KMSPrincipal?
    var creates = false
    try fields(of: node, "kms") { name, node throws(ConfigurationError) in
      switch name {
      case "key":
        do { key = try KeyName(try text(node)) } catch let error as KeyName.Invalid {
          throw wrong(node, "the key name \(error.reason)")
        } catch let error as ConfigurationError { throw error } catch { throw wrong(node, "") }
      case "socket": socket = try endpoint(node)
      case "allowed_uids": allowed = try uids(node)
      case "principal": principal = try self.principal(node)
      case "create": creates = try flag(node)
      default: return false
      }
      return true
    }
    guard let key, let socket else {
      throw wrong(node, "an item of kms needs 'key' and 'socket'")
    }
    // The key's own name is the principal of a socket without one, which may use the key unasked.
    guard principal?.name != key.description else {
      throw wrong(
        node,
        "a principal with the name of its key is the one that is there without; give another name"
      )
    }
    return ServerConfiguration.KMSSocket(
      key: key,
      endpoint: socket,
      allowedUIDs: allowed,
      principal: principal,
      createsKey: creates
    )
  }

  private func principal(
    _ node: Node
  ) throws(ConfigurationError) -> ServerConfiguration.KMSPrincipal {
    var name: String?
    var cluster: String?
    var environment: String?
    try fields(of: node, "principal") { field, node throws(ConfigurationError) in
      switch field {
      case "name":
        let text = try text(node)
        guard text.utf8.count <= 128,
          text.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != 0x22 && $0 != 0x5c && $0 != 0x25 })
        else {
          throw wrong(
            node,
            "name is 1 to 128 printable characters without spaces, quotes, backslashes and '%'"
          )
        }
        name = text
      case "cluster": cluster = try registryName(node)
      case "environment": environment = try registryName(node)
      default: return false
      }
      return true
    }
    guard let name else { throw wrong(node, "principal needs 'name'") }
    return ServerConfiguration.KMSPrincipal(
      name: name,
      cluster: cluster,
      environment: environment
    )
  }

  private func registryName(_ node: Node) throws(ConfigurationError) -> String {
    guard let name = RegistryName(try text(node)) else {
      throw wrong(node, "this is a name of a-z, 0-9, '.', '_' and '-'")
    }
    return name.description
  }

  private func seal(_ node: Node) throws(ConfigurationError) -> ServerConfiguration.Seal? {
    var seal: ServerConfiguration.Seal?
    try fields(of: node, "seal") { name, node throws(ConfigurationError) in
      guard seal == nil else { throw wrong(node, "seal takes one of 'key_file' and 'credential'") }
      switch name {
      case "key_file": seal = .keyFile(try absolute(node))
      case "credential": seal = .credential(try text(node))
      default: return false
      }
      return true
    }
    return seal
  }

  // MARK: - Values

  private func absolute(_ node: Node) throws(ConfigurationError) -> String {
    let path = try text(node)
    guard path.hasPrefix("/") else { throw wrong(node, "this is an absolute path") }
    return path
  }

  private func endpoint(_ node: Node) throws(ConfigurationError) -> UnixEndpoint {
    let text = try text(node)
    do { return try UnixEndpoint(parsing: text) } catch { throw wrong(node, error.message) }
  }

  private func uids(_ node: Node) throws(ConfigurationError) -> Set<UInt32> {
    var uids: Set<UInt32> = []
    for item in try list(node) {
      guard let uid = UInt32(try text(item)) else { throw wrong(item, "this is a user id") }
      uids.insert(uid)
    }
    guard !uids.isEmpty else { throw wrong(node, "an empty list would let nobody connect") }
    return uids
  }

  private func level(_ node: Node) throws(ConfigurationError) -> String {
    let level = try text(node)
    let levels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]
    guard levels.contains(level) else {
      throw wrong(node, "log_level is one of \(levels.joined(separator: ", "))")
    }
    return level
  }

  private func origin(_ node: Node) throws(ConfigurationError) -> String {
    let origin = try text(node)
    guard origin.utf8.count <= 100, origin.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != 43 })
    else { throw wrong(node, "audit_origin is 1 to 100 printable characters without '+'") }
    return origin
  }
}

extension String {
  /// Reads a file of at most 1 MiB as UTF-8.
  fileprivate init(readingUTF8FileAt path: String) throws(SystemError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError(cannot: "read it", code: errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      guard count >= 0 else { throw SystemError(cannot: "read it", code: errno) }
      if count == 0 { break }
      bytes += buffer[..<count]
      guard bytes.count <= 1 << 20 else { throw SystemError(.tooLarge, "it is larger than 1 MiB") }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw SystemError(.invalid, "it is not UTF-8")
    }
    self = text
  }
}
