package import KeywardHTTPClient

/// The address of a server, as `--addr` and `KEYWARD_ADDR` write it.
package struct ServerAddress: Hashable, Sendable, CustomStringConvertible {
  package static let standard = "unix:///run/keyward/admin.sock"

  package let endpoint: HTTPEndpoint
  package let description: String

  /// Takes `unix:///absolute/path` and `unix:///@abstract-name`; nil for anything else.
  package init?(_ text: String) {
    guard text.hasPrefix("unix:///"), !text.utf8.contains(0) else { return nil }
    let path = text.dropFirst("unix://".utf8.count)
    guard path.utf8.count >= 2 else { return nil }
    endpoint =
      path.hasPrefix("/@") ? .abstract(name: String(path.dropFirst(2))) : .unix(path: String(path))
    description = text
  }
}
