/// Percent-encoding as RFC 3986 §2.3 and AWS's signatures have it.
package enum CanonicalURI {
  /// A path with its dot segments and double slashes resolved, and encoded once more.
  static func path(_ path: String) -> String {
    var segments: [Substring] = []
    for segment in path.split(separator: "/") {
      switch segment {
      case ".": continue
      case "..": _ = segments.popLast()
      default: segments.append(segment)
      }
    }
    guard !segments.isEmpty else { return "/" }
    // Not after a dot segment, as RFC 3986 has it: the clients of AWS do without, and so its servers.
    let end = path.hasSuffix("/") ? "/" : ""
    return "/" + segments.map { encode($0) }.joined(separator: "/") + end
  }

  /// Parameters in the order of their encoded names, then values.
  static func query(_ query: String) -> String {
    let pairs = query.split(separator: "&").map { pair -> (name: String, value: String) in
      let name = pair.prefix { $0 != "=" }
      return (reencode(name), reencode(pair.dropFirst(name.count + 1)))
    }
    return pairs.sorted {
      $0.name == $1.name
        ? $0.value.utf8.lexicographicallyPrecedes($1.value.utf8)
        : $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
    }.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
  }

  /// Every byte that is not unreserved as `%XX`.
  package static func encode(_ text: some StringProtocol) -> String {
    encode(Array(text.utf8))
  }

  private static func encode(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    var encoded: [UInt8] = []
    for byte in bytes {
      if isUnreserved(byte) {
        encoded.append(byte)
      } else {
        encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }

  /// The one encoding of what may be encoded already.
  private static func reencode(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return encode(bytes)
  }

  /// Letters, digits, `-`, `.`, `_` and `~`.
  static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122, 45, 46, 95, 126: true
    default: false
    }
  }
}
