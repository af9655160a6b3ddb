import COpenSSL

/// The kinds of key pairs offered.
package enum AsymmetricAlgorithm: Sendable, Hashable {
  /// RSA with a modulus of `bits` bits.
  case rsa(bits: Int)
  case p256
  case p384
  case p521
  case secp256k1
  case ed25519
  case x25519

  /// The sizes of RSA that are accepted: less is weak, more costs seconds for each operation.
  package static let rsaBits = 2048...8192

  /// The length in bytes of a scalar of an elliptic curve, and of each half of a P1363 signature.
  package var fieldLength: Int? {
    switch self {
    case .p256, .secp256k1: 32
    case .p384: 48
    case .p521: 66
    default: nil
    }
  }

  /// Whether the key is a pair on a curve for ECDSA and ECDH.
  package var isEllipticCurve: Bool { fieldLength != nil }

  /// Whether the key is for RSA, of any size.
  package var isRSA: Bool {
    if case .rsa = self { return true }
    return false
  }

  var opensslName: String {
    switch self {
    case .rsa: "RSA"
    case .ed25519: "ED25519"
    case .x25519: "X25519"
    default: "EC"
    }
  }

  var groupName: String? {
    switch self {
    case .p256: "prime256v1"
    case .p384: "secp384r1"
    case .p521: "secp521r1"
    case .secp256k1: "secp256k1"
    default: nil
    }
  }

  /// The algorithm of a key that OpenSSL has parsed; others than ours are `invalidKey`.
  init(of key: OpaquePointer) throws(CryptoError) {
    if EVP_PKEY_is_a(key, "RSA") == 1 {
      self = .rsa(bits: Int(EVP_PKEY_get_bits(key)))
    } else if EVP_PKEY_is_a(key, "ED25519") == 1 {
      self = .ed25519
    } else if EVP_PKEY_is_a(key, "X25519") == 1 {
      self = .x25519
    } else if EVP_PKEY_is_a(key, "EC") == 1 {
      var name = [CChar](repeating: 0, count: 64)
      var length = 0
      guard EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1 else {
        OpenSSL.clearErrors()
        throw .invalidKey("not a named curve")
      }
      let found = name[..<length].map { UInt8(bitPattern: $0) }
      let curves: [AsymmetricAlgorithm] = [.p256, .p384, .p521, .secp256k1]
      guard let curve = curves.first(where: { $0.groupName.map { Array($0.utf8) } == found })
      else { throw .invalidKey("curve not offered") }
      self = curve
    } else {
      throw .invalidKey("algorithm not offered")
    }
  }
}
