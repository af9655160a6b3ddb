/// Where a server is.
package enum HTTPEndpoint: Hashable, Sendable {
  /// A Unix socket by its absolute path.
  case unix(path: String)
  /// A Unix socket in the abstract namespace, without the leading NUL or `@`.
  case abstract(name: String)
  /// HTTPS with the system's trust store, or the certificates of one PEM file.
  case https(authority: String, certificateFile: String?)

  var origin: String {
    switch self {
    case .unix, .abstract: "http://localhost"
    case .https(let authority, _): "https://\(authority)"
    }
  }
}
