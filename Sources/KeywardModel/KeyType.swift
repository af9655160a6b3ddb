/// What a key is made of (DESIGN §4).
package enum KeyType: String, CaseIterable, Hashable, Sendable, Codable {
  case aes128 = "aes-128"
  case aes256 = "aes-256"
  case chacha20Poly1305 = "chacha20-poly1305"
  case ecP256 = "ec-p256"
  case ecP384 = "ec-p384"
  case ecP521 = "ec-p521"
  case ecSecp256k1 = "ec-secp256k1"
  case ed25519
  case hmacSHA256 = "hmac-sha256"
  case hmacSHA384 = "hmac-sha384"
  case hmacSHA512 = "hmac-sha512"
  case opaque
  case rsa2048 = "rsa-2048"
  case rsa3072 = "rsa-3072"
  case rsa4096 = "rsa-4096"
  case x25519

  /// The size of a symmetric key that Keyward generates, in bytes; nil for key pairs and opaque.
  package var generatedByteCount: Int? {
    switch self {
    case .aes128: 16
    case .aes256, .chacha20Poly1305, .hmacSHA256: 32
    case .hmacSHA384: 48
    case .hmacSHA512: 64
    case .ecP256, .ecP384, .ecP521, .ecSecp256k1, .ed25519, .opaque, .rsa2048, .rsa3072, .rsa4096,
      .x25519:
      nil
    }
  }

  /// The sizes of raw material that `key import` takes, in bytes; nil for key pairs, which come as
  /// PKCS#8.
  ///
  /// HMAC keys: at least the hash's output (SP 800-107), at most 1024.
  package var importedByteCounts: ClosedRange<Int>? {
    switch self {
    case .aes128: 16...16
    case .aes256, .chacha20Poly1305: 32...32
    case .hmacSHA256: 32...1024
    case .hmacSHA384: 48...1024
    case .hmacSHA512: 64...1024
    case .opaque: 1...65_536
    case .ecP256, .ecP384, .ecP521, .ecSecp256k1, .ed25519, .rsa2048, .rsa3072, .rsa4096, .x25519:
      nil
    }
  }

  /// Whether the material is a key pair, kept as PKCS#8.
  package var isKeyPair: Bool { importedByteCounts == nil }

  /// All operations that a key of this type can ever do.
  package var possibleOperations: KeyOperations {
    switch self {
    case .aes128, .aes256: [.encrypt, .decrypt, .wrap, .unwrap, .derive, .export, .cloudExport]
    case .chacha20Poly1305: [.encrypt, .decrypt, .derive, .export, .cloudExport]
    case .hmacSHA256, .hmacSHA384, .hmacSHA512:
      [.mac, .macVerify, .derive, .export, .cloudExport]
    case .rsa2048, .rsa3072, .rsa4096:
      [.encrypt, .decrypt, .wrap, .unwrap, .sign, .verify, .export, .cloudExport]
    case .ecP256, .ecP384, .ecP521, .ecSecp256k1: [.sign, .verify, .agree, .export, .cloudExport]
    case .ed25519: [.sign, .verify, .export, .cloudExport]
    case .x25519: [.agree, .export, .cloudExport]
    case .opaque: [.export, .cloudExport]
    }
  }

  /// The operations a new key gets when its maker names none: the one pair it is for, and never an
  /// export.
  ///
  /// RSA signs by default; ask for encrypt and decrypt or wrap and unwrap by name, since one RSA
  /// key for both is bad practice (SP 800-57 part 1 §5.2).
  package var defaultOperations: KeyOperations {
    switch self {
    case .aes128, .aes256, .chacha20Poly1305: [.encrypt, .decrypt]
    case .hmacSHA256, .hmacSHA384, .hmacSHA512: [.mac, .macVerify]
    case .rsa2048, .rsa3072, .rsa4096, .ecP256, .ecP384, .ecP521, .ecSecp256k1, .ed25519:
      [.sign, .verify]
    case .x25519: [.agree]
    case .opaque: []
    }
  }
}
