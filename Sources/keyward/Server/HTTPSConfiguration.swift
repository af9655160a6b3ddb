import KeywardHTTPAPI
import KeywardModel
import NIOCore

/// Where and how the API is served over HTTPS.
struct HTTPSConfiguration: Sendable {
  /// The address without a setting.
  static let standardAddress = "127.0.0.1:8200"

  /// A host and a port, as `127.0.0.1:8200`, `[::1]:8200` or `localhost:8200`.
  struct Address: Sendable, Hashable, CustomStringConvertible {
    let host: String
    let port: Int

    /// Takes `HOST:PORT`, an IPv6 address in brackets; nil for anything else.
    init?(_ text: String) {
      guard let colon = text.lastIndex(of: ":") else { return nil }
      let digits = text[text.index(after: colon)...]
      guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
        let port = Int(digits), port <= 65_535
      else { return nil }
      var host = text[..<colon]
      if host.hasPrefix("[") {
        guard host.hasSuffix("]") else { return nil }
        host = host.dropFirst().dropLast()
        guard NetworkAddress(String(host))?.isIPv6 == true else { return nil }
      } else {
        let isPlain = host.utf8.allSatisfy { byte in
          byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
            || (48...57).contains(byte) || (97...122).contains(byte) || (65...90).contains(byte)
        }
        guard isPlain, !host.isEmpty, host.utf8.count <= 253 else { return nil }
      }
      self.host = String(host)
      self.port = port
    }

    func withPort(_ port: Int) -> Address { Address(host: host, port: port) }

    private init(host: String, port: Int) {
      self.host = host
      self.port = port
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The address to bind; a name must have one on this machine.
    func resolved() throws(ConfigurationError) -> SocketAddress {
      do {
        return try SocketAddress.makeAddressResolvingHost(host, port: port)
      } catch {
        throw ConfigurationError("https: \(self): the host '\(host)' has no address.")
      }
    }
  }

  /// Nil where nothing was said.
  var listen: Address?
  var certificate: String?
  var key: String?
  var clientCertificates = TLSIdentity.ClientCertificates.off
  /// Requests a second of one principal, and of one address; 0 for no limit.
  var requestsPerPrincipal = 2000
  var requestsPerAddress = 2000
  /// Open connections in all, and of one address.
  var connections = HTTPLimits().connections
  var connectionsPerAddress = HTTPLimits().connectionsPerAddress

  /// The limits of the HTTPS server.
  var limits: HTTPLimits {
    var limits = HTTPLimits()
    limits.requestsPerPrincipal = requestsPerPrincipal
    limits.requestsPerAddress = requestsPerAddress
    limits.connections = connections
    limits.connectionsPerAddress = connectionsPerAddress
    return limits
  }
}
