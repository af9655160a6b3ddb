package import KeywardCrypto
import KeywardModel

/// The secret part of a credential that Keyward makes: a prefix and 43 base64url digits of 32 random
/// bytes.
///
/// What has been read has this form and no other: no white space, no padding, no second spelling of
/// the last digit.
package struct Credential: Sendable {
  package enum Kind: String, CaseIterable, Sendable {
    /// An access token, `Authorization: Bearer kwt_…`.
    case token = "kwt_"
    /// A secret id of a machine role.
    case secretID = "kws_"

    /// What stands before the bytes in the MAC, so that neither kind passes as the other.
    fileprivate var label: [UInt8] {
      switch self {
      case .token: Self.tokenLabel
      case .secretID: Self.secretIDLabel
      }
    }

    private static let tokenLabel = Array("keyward/credential/1/\(token.rawValue)".utf8)
    private static let secretIDLabel = Array("keyward/credential/1/\(secretID.rawValue)".utf8)
  }

  package static let randomLength = 32

  package let kind: Kind
  private let bytes: [UInt8]

  /// Takes 32 random bytes, else nil.
  package init?(_ kind: Kind, random bytes: [UInt8]) {
    guard bytes.count == Self.randomLength else { return nil }
    self.kind = kind
    self.bytes = bytes
  }

  /// Reads what a client presents, nil for every other form.
  package init?(_ kind: Kind, _ text: String) {
    guard text.utf8.count == 47, text.utf8.starts(with: kind.rawValue.utf8),
      let bytes = Base64.decodeURL(text.dropFirst(4))
    else { return nil }
    self.init(kind, random: bytes)
  }

  /// The text for the client: the one time that it is shown.
  package func revealed() -> String {
    kind.rawValue + Base64.encodeURL(bytes)
  }

  /// The MAC that is stored instead, under a key of the store: whoever reads the database can neither
  /// use it nor try guesses.
  package func digest(_ key: HMACKey) -> CredentialDigest {
    CredentialDigest(key.authenticate(kind.label, bytes))
  }
}

/// The keyed hash of a credential: HMAC-SHA-256, 32 bytes.
package struct CredentialDigest: Hashable, Sendable {
  package let bytes: [UInt8]

  /// Takes exactly 32 bytes, as the store gives them; else nil.
  package init?(stored bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.bytes = bytes
  }

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }
}
