/// Where a server is.
package enum HTTPEndpoint: Hashable, Sendable {
  /// A Unix socket by its absolute path.
  case unix(path: String)
  /// A Unix socket in the abstract namespace, without the leading NUL or `@`.
  case abstract(name: String)
  /// HTTPS at `host` or `host:port`.
  case https(authority: String, TLSFiles)

  var origin: String {
    switch self {
    case .unix, .abstract: "http://localhost"
    case .https(let authority, _): "https://\(authority)"
    }
  }
}

/// The PEM files of a TLS client.
package struct TLSFiles: Hashable, Sendable {
  /// The authorities, or the one certificate, that are trusted; nil for the system's trust store,
  /// which is otherwise not trusted.
  package var authorities: String?
  /// The same as PEM text instead of a file; taken before `authorities`.
  package var authorityText: String?
  /// The client's own certificate and those above it; nil for none.
  package var certificate: String?
  /// The key of `certificate`.
  package var key: String?

  package init(
    authorities: String? = nil,
    authorityText: String? = nil,
    certificate: String? = nil,
    key: String? = nil
  ) {
    self.authorities = authorities
    self.authorityText = authorityText
    self.certificate = certificate
    self.key = key
  }
}
