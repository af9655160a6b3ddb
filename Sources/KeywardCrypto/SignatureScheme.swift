/// How a message is signed.
///
/// SHA-1 is refused in every scheme.
package enum SignatureScheme: Sendable, Hashable {
  /// RSASSA-PSS, with MGF1 of the same hash and a salt as long as a digest; verification takes
  /// exactly that.
  case rsaPSS(HashFunction)
  /// RSASSA-PKCS1-v1_5, for peers that know nothing else.
  case rsaPKCS1(HashFunction)
  case ecdsa(HashFunction, encoding: ECDSAEncoding)
  /// Ed25519 (RFC 8032), which has no prehashed form here.
  case ed25519

  /// How the two numbers of an ECDSA signature are written.
  package enum ECDSAEncoding: Sendable, Hashable {
    /// A DER SEQUENCE (X.509, most cloud services).
    case der
    /// Both numbers in full width one after the other (IEEE P1363; JOSE).
    case p1363
  }

  /// The hash of the message; nil for Ed25519, which hashes inside.
  package var hash: HashFunction? {
    switch self {
    case .rsaPSS(let hash), .rsaPKCS1(let hash), .ecdsa(let hash, _): hash
    case .ed25519: nil
    }
  }

  /// Whether a key of `algorithm` can sign this way.
  package func fits(_ algorithm: AsymmetricAlgorithm) -> Bool {
    guard hash != .sha1 else { return false }
    return switch self {
    case .rsaPSS, .rsaPKCS1: algorithm.isRSA
    case .ecdsa: algorithm.isEllipticCurve
    case .ed25519: algorithm == .ed25519
    }
  }
}
