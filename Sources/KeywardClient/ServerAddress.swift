package import KeywardHTTPClient
package import KeywardModel

/// The address of a server, as `--addr` and `KEYWARD_ADDR` write it.
package struct ServerAddress: Hashable, Sendable, CustomStringConvertible {
  package static let standard = "unix:///run/keyward/admin.sock"

  private enum Place: Hashable, Sendable {
    case unix(path: String)
    case abstract(name: String)
    case https(authority: String)
  }

  private let place: Place
  package let description: String

  /// Takes `unix:///absolute/path`, `unix:///@abstract-name` and `https://host:port`; nil for
  /// anything else.
  package init?(_ text: String) {
    description = text
    let scheme = "https://"
    if text.hasPrefix(scheme) {
      var authority = text.dropFirst(scheme.count)
      if authority.hasSuffix("/") { authority = authority.dropLast() }
      guard HTTPSURL.isAuthority(authority) else { return nil }
      place = .https(authority: String(authority))
      return
    }
    guard text.hasPrefix("unix:///"), !text.utf8.contains(0) else { return nil }
    let path = text.dropFirst("unix://".utf8.count)
    guard path.utf8.count >= 2 else { return nil }
    place =
      path.hasPrefix("/@") ? .abstract(name: String(path.dropFirst(2))) : .unix(path: String(path))
  }

  package var isHTTPS: Bool {
    if case .https = place { true } else { false }
  }

  /// The one spelling of all that mean the same server: host in lower case, the port written out.
  package var canonical: String {
    switch place {
    case .unix(let path): return "unix://\(path)"
    case .abstract(let name): return "unix:///@\(name)"
    case .https(let authority):
      let host = authority.lowercased()
      let hasPort = host.last != "]" && host.split(separator: "]").last?.contains(":") == true
      return "https://\(host)\(hasPort ? "" : ":443")"
    }
  }

  /// Where libcurl connects; the files are for HTTPS alone.
  func endpoint(_ files: TLSFiles) -> HTTPEndpoint {
    switch place {
    case .unix(let path): .unix(path: path)
    case .abstract(let name): .abstract(name: name)
    case .https(let authority): .https(authority: authority, files)
    }
  }
}

/// What a client shows and trusts, beside the address.
package struct ClientCredentials: Sendable {
  package var files = TLSFiles()
  /// A token or a JWT; sent only over TLS or a Unix socket, since there is no third kind of address.
  package var bearer: BearerCredential?
  /// The approval that requests are to be carried out under.
  package var approval: ApprovalID?

  package init(
    files: TLSFiles = TLSFiles(),
    bearer: BearerCredential? = nil,
    approval: ApprovalID? = nil
  ) {
    self.files = files
    self.bearer = bearer
    self.approval = approval
  }
}
