package import KeywardModel

/// What a token of `login` is kept with: where it may be shown.
///
/// Whoever can set the address that a client asks could else have the token sent to themselves.
package struct TokenOrigin: Hashable, Sendable {
  /// The address in its one spelling.
  package let server: String
  /// The SHA-256 of the authorities that were trusted, in hexadecimal; nil for the system's.
  package let authorities: String?

  package init(_ server: ServerAddress, authorities: String?) {
    self.server = server.canonical
    self.authorities = server.isHTTPS ? authorities : nil
  }

  fileprivate init(server: String, authorities: String?) {
    self.server = server
    self.authorities = authorities
  }
}

/// A token as its file has it: alone, as made by hand, or with its origin, as `login` writes it.
///
///     TOKEN
///     server https://keyward.example.com:443
///     authorities SHA-256
///
/// The last line is there if authorities were named.
package struct KeptToken: Sendable {
  /// The longest file, in bytes.
  package static let longest = BearerCredential.maximumLength + 4096

  package let credential: BearerCredential
  /// Nil for a file that has the token alone: it is shown to whichever server is asked.
  package let origin: TokenOrigin?

  package init(_ credential: BearerCredential, origin: TokenOrigin?) {
    self.credential = credential
    self.origin = origin
  }

  /// Reads the text of a file; nil for anything but the two forms.
  package init?(_ text: String) {
    var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)[...]
    while lines.last?.isEmpty == true { lines.removeLast() }
    guard let first = lines.popFirst(), let credential = BearerCredential(first) else { return nil }
    guard let second = lines.popFirst() else {
      self.init(credential, origin: nil)
      return
    }
    guard let server = Self.value("server", of: second), ServerAddress(server)?.canonical == server
    else { return nil }
    var authorities: String?
    if let third = lines.popFirst() {
      guard let digest = Self.value("authorities", of: third), digest.utf8.count == 64,
        digest.utf8.allSatisfy(Self.isHexDigit)
      else { return nil }
      authorities = digest
    }
    guard lines.isEmpty else { return nil }
    self.init(credential, origin: TokenOrigin(server: server, authorities: authorities))
  }

  /// The text of the file; it is secret.
  package var text: String {
    let lines = [
      credential.revealed, origin.map { "server \($0.server)" },
      origin?.authorities.map { "authorities \($0)" },
    ]
    return lines.compactMap { $0 }.map { $0 + "\n" }.joined()
  }

  private static func value(_ name: String, of line: Substring) -> String? {
    line.hasPrefix(name + " ") ? String(line.dropFirst(name.utf8.count + 1)) : nil
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (97...102).contains(byte)
  }
}
