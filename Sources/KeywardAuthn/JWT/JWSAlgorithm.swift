import KeywardCrypto

/// A signature algorithm of JSON Web Signatures (RFC 7518 §3.1, RFC 8037 §3.1).
///
/// There is no `none` and no HMAC: a public key can never be taken for a secret.
package enum JWSAlgorithm: String, Sendable, CaseIterable, Hashable {
  // swift-format-ignore: AlwaysUseLowerCamelCase
  case RS256, RS384, RS512
  // swift-format-ignore: AlwaysUseLowerCamelCase
  case PS256, PS384, PS512
  // swift-format-ignore: AlwaysUseLowerCamelCase
  case ES256, ES384, ES512
  // swift-format-ignore: AlwaysUseLowerCamelCase
  case EdDSA

  var scheme: SignatureScheme {
    switch self {
    case .RS256: .rsaPKCS1(.sha256)
    case .RS384: .rsaPKCS1(.sha384)
    case .RS512: .rsaPKCS1(.sha512)
    case .PS256: .rsaPSS(.sha256)
    case .PS384: .rsaPSS(.sha384)
    case .PS512: .rsaPSS(.sha512)
    case .ES256: .ecdsa(.sha256, encoding: .p1363)
    case .ES384: .ecdsa(.sha384, encoding: .p1363)
    case .ES512: .ecdsa(.sha512, encoding: .p1363)
    case .EdDSA: .ed25519
    }
  }

  /// Whether a key of this kind signs so: ES256 is for P-256 alone, and so on.
  func fits(_ key: AsymmetricAlgorithm) -> Bool {
    switch self {
    case .RS256, .RS384, .RS512, .PS256, .PS384, .PS512: key.isRSA
    case .ES256: key == .p256
    case .ES384: key == .p384
    case .ES512: key == .p521
    case .EdDSA: key == .ed25519
    }
  }
}
