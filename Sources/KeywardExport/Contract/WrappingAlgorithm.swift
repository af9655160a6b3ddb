package import KeywardCrypto

/// How material is wrapped, by the names that AWS gives and others follow.
package enum WrappingAlgorithm: String, CaseIterable, Sendable, Codable {
  case oaepSHA1 = "RSAES_OAEP_SHA_1"
  case oaepSHA256 = "RSAES_OAEP_SHA_256"
  case hybridSHA1 = "RSA_AES_KEY_WRAP_SHA_1"
  case hybridSHA224 = "RSA_AES_KEY_WRAP_SHA_224"
  case hybridSHA256 = "RSA_AES_KEY_WRAP_SHA_256"
  case hybridSHA384 = "RSA_AES_KEY_WRAP_SHA_384"
  case hybridSHA512 = "RSA_AES_KEY_WRAP_SHA_512"
  case aesKW = "AES_KW"
  case aesKWP = "AES_KWP"

  /// The three byte strings that all providers' imports reduce to.
  package enum Envelope: Sendable {
    /// E1: the material itself under RSAES-OAEP.
    case direct
    /// E2: a fresh AES-256 key under RSAES-OAEP, then the material under AES-KWP (RFC 5649) with it.
    case hybrid
    /// E3: the material under a shared key.
    case symmetric
  }

  package var envelope: Envelope {
    switch self {
    case .oaepSHA1, .oaepSHA256: .direct
    case .hybridSHA1, .hybridSHA224, .hybridSHA256, .hybridSHA384, .hybridSHA512: .hybrid
    case .aesKW, .aesKWP: .symmetric
    }
  }

  /// The hash of OAEP and of its MGF1, which are always the same; nil for a shared key.
  package var hash: HashFunction? {
    switch self {
    case .oaepSHA1, .hybridSHA1: .sha1
    case .hybridSHA224: .sha224
    case .oaepSHA256, .hybridSHA256: .sha256
    case .hybridSHA384: .sha384
    case .hybridSHA512: .sha512
    case .aesKW, .aesKWP: nil
    }
  }
}
