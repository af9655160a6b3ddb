import KeywardModel

/// The rules that fields of several records share.
enum FieldRules {
  /// The longest name of a principal, as the audit log holds it without a cut.
  static let longestName = 256

  /// The name of a record, from its path or its `name`; both must agree.
  static func name(_ text: String?, path: RegistryName? = nil) throws(AuthnError) -> RegistryName {
    if let path {
      guard text == nil || text == path.description else {
        throw AuthnError(
          "'name' is not the name of the path.",
          remedy: "Leave 'name' out, or use the same."
        )
      }
      return path
    }
    guard let text else { throw AuthnError("'name' is missing.") }
    guard let name = RegistryName(text) else {
      throw AuthnError(
        "'name' is not a name.",
        remedy: "Use 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit."
      )
    }
    return name
  }

  /// A name that policy may use for an issuer: not one that is built in.
  static func issuerName(
    _ text: String?,
    path: RegistryName? = nil
  ) throws(AuthnError) -> RegistryName {
    let name = try name(text, path: path)
    guard BuiltInIssuer(rawValue: name.description) == nil else {
      throw AuthnError(
        "'name' is reserved.",
        remedy:
          "Use none of: \(BuiltInIssuer.allCases.map(\.rawValue).joined(separator: ", "))."
      )
    }
    return name
  }

  static func environment(_ text: String?) throws(AuthnError) -> String? {
    guard let text else { return nil }
    guard RegistryName(text) != nil else {
      throw AuthnError(
        "'environment' is not a name.",
        remedy: "Use 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit."
      )
    }
    return text
  }

  /// Networks, each once; at most 32.
  static func networks(_ texts: [String]?) throws(AuthnError) -> [NetworkPrefix] {
    guard let texts else { return [] }
    guard (1...32).contains(texts.count) else {
      throw AuthnError(
        "'networks' must have 1 to 32 members.",
        remedy: "Leave it out for every network."
      )
    }
    var networks: [NetworkPrefix] = []
    for text in texts {
      guard let network = NetworkPrefix(text) else {
        throw AuthnError(
          "'networks' has a member that is not a network.",
          remedy: "Use CIDR, such as 10.1.0.0/16, with zero bits after the length."
        )
      }
      guard !networks.contains(network) else {
        throw AuthnError("'networks' has a member twice.")
      }
      networks.append(network)
    }
    return networks
  }

  /// A number of seconds, or of uses, that is at least 1: 0 must never mean "for ever" (V20).
  static func positive(
    _ number: Int64?,
    _ field: String,
    atMost limit: Int64,
    default fallback: Int64
  ) throws(AuthnError) -> Int64 {
    guard let number else { return fallback }
    guard (1...limit).contains(number) else {
      throw AuthnError("'\(field)' must be from 1 to \(limit).")
    }
    return number
  }

  static func uses(_ number: Int64?, _ field: String) throws(AuthnError) -> Int64? {
    guard let number else { return nil }
    guard (1...1_000_000_000).contains(number) else {
      throw AuthnError(
        "'\(field)' must be from 1 to 1000000000.",
        remedy: "Leave it out for no limit."
      )
    }
    return number
  }

  /// Whether `text` is an https URL with a host and no user, query or fragment.
  static func isPlainHTTPS(_ text: String) -> Bool {
    guard (9...1024).contains(text.utf8.count), text.hasPrefix("https://") else { return false }
    let rest = text.dropFirst(8)
    guard rest.utf8.allSatisfy({ isURLByte($0) }) else { return false }
    let authority = rest.prefix { $0 != "/" }
    var host = authority
    if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
      let port = authority[authority.index(after: colon)...]
      guard let number = UInt16(port), number > 0, String(number) == port else { return false }
      host = authority[..<colon]
    }
    if host.hasPrefix("["), host.hasSuffix("]") {
      return NetworkAddress(String(host.dropFirst().dropLast()))?.isIPv6 == true
    }
    guard (1...253).contains(host.utf8.count) else { return false }
    return host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
      (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
        && label.utf8.allSatisfy { isHostByte($0) }
    }
  }

  /// Text that a terminal, a log and a policy can hold, and that has one spelling.
  ///
  /// No control characters. Swift compares texts by canonical equivalence, so that U+212A, the Kelvin
  /// sign, equals `K`: what is equal to other bytes is refused here, and with it combining marks and
  /// what they could compose with (UAX #15 §9), so that equal texts have equal bytes (V08, V09).
  static func isPlainText(_ text: String, atMost limit: Int) -> Bool {
    guard (1...limit).contains(text.utf8.count) else { return false }
    if text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) { return true }
    return text.unicodeScalars.allSatisfy { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse,
        .unassigned, .nonspacingMark, .spacingMark, .enclosingMark:
        false
      default:
        !scalar.properties.isFullCompositionExclusion
          && !(0x1160...0x11ff).contains(scalar.value)
      }
    }
  }

  /// Whether both are the same bytes; `==` would take canonically equivalent texts for one.
  static func isSame(_ left: String, _ right: String) -> Bool {
    left.utf8.elementsEqual(right.utf8)
  }

  private static func isHostByte(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (97...122).contains(byte) || (65...90).contains(byte)
      || byte == UInt8(ascii: "-")
  }

  /// RFC 3986 without `?`, `#`, `@` and what is never in a URL.
  private static func isURLByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 48...57, 65...90, 97...122: true
    default: "-._~!$&'()*+,;=:/%[]".utf8.contains(byte)
    }
  }
}
