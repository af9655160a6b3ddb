/// The address of a document to fetch, in the one form that is taken: `https`, a host, a path.
///
/// Written by an administrator, never by a caller (V38): no user, no fragment, nothing that two
/// parsers could read in two ways.
package struct HTTPSURL: Hashable, Sendable, CustomStringConvertible {
  /// `host` or `host:port`, as it was written.
  package let authority: String
  /// Path and query; `/` when there is none.
  package let target: String

  package var description: String { "https://" + authority + target }

  /// The longest, in bytes.
  package static let maximumLength = 2048

  /// Takes at most 2,048 bytes of `https://host[:port][/path][?query]`, else nil.
  package init?(_ text: String) {
    let scheme = "https://"
    guard text.hasPrefix(scheme), text.utf8.count <= Self.maximumLength else { return nil }
    let rest = text.dropFirst(scheme.count)
    let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
    guard Self.isAuthority(rest[..<end]), rest[end...].utf8.allSatisfy(Self.isTargetByte) else {
      return nil
    }
    authority = String(rest[..<end])
    target = rest[end...].hasPrefix("/") ? String(rest[end...]) : "/" + rest[end...]
  }

  /// A name or IPv4 address, or an IPv6 address in brackets, and a port from 1 to 65535 or none.
  package static func isAuthority(_ text: Substring) -> Bool {
    var host = text
    let bracket = text.lastIndex(of: "]")
    if let colon = text.lastIndex(of: ":"), bracket.map({ $0 < colon }) ?? true {
      let digits = text[text.index(after: colon)...]
      guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }),
        let port = Int(digits), (1...65_535).contains(port)
      else { return false }
      host = text[..<colon]
    }
    if host.hasPrefix("["), host.hasSuffix("]") {
      let address = host.dropFirst().dropLast()
      return address.utf8.contains(58) && address.utf8.allSatisfy(isIPv6Byte)
    }
    return (1...253).contains(host.utf8.count) && host.utf8.allSatisfy(isHostByte)
  }

  private static func isIPv6Byte(_ byte: UInt8) -> Bool {
    (48...58).contains(byte) || (97...102).contains(byte) || (65...70).contains(byte)
      || byte == UInt8(ascii: ".")
  }

  private static func isHostByte(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (97...122).contains(byte) || (65...90).contains(byte)
      || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
  }

  /// Printable ASCII without what RFC 3986 does not allow unencoded, and without `#`.
  private static func isTargetByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "#"), UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "<"),
      UInt8(ascii: ">"), UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "{"),
      UInt8(ascii: "|"), UInt8(ascii: "}"):
      false
    default:
      (0x21...0x7e).contains(byte)
    }
  }
}

extension HTTPClient {
  /// Fetches a document, such as a JWKS or an OIDC discovery document, on a connection of its own.
  ///
  /// Takes at most `limit` bytes, and `timeout` milliseconds for the whole exchange. An answer of
  /// another status than 200, a redirect too, is `failed`.
  package static func fetch(
    _ url: HTTPSURL,
    _ files: TLSFiles = TLSFiles(),
    limit: Int = 1 << 20,
    timeout: Int = 10_000
  ) throws(HTTPClientError) -> [UInt8] {
    let client = try HTTPClient(.https(authority: url.authority, files))
    var request = HTTPClientRequest(.get, url.target)
    request.headers = [("Accept", "application/json")]
    request.timeout = timeout
    let response = try client.send(request, to: .bytes(limit: limit))
    guard response.status == 200 else {
      throw .failed(reason: "\(url) was answered with status \(response.status)")
    }
    return response.bytes
  }
}
