import COpenSSL

/// The test that the halves of a key pair fit each other (FIPS 140-3 IG 10.3.A).
enum PairwiseTest {
  private static let message = Array("keyward pairwise test".utf8)

  /// Throws `pairwiseTestFailed` unless what one half does, the other undoes.
  static func run(_ key: PrivateKey) throws(CryptoError) {
    let publicKey = try key.publicKey()
    let fits: Bool
    switch key.algorithm {
    case .rsa:
      let signed = try signs(key, publicKey, .rsaPSS(.sha256))
      let decrypted = try decrypts(key, publicKey)
      fits = signed && decrypted
    case .p256, .p384, .p521, .secp256k1:
      fits = try signs(key, publicKey, .ecdsa(.sha256, encoding: .der))
    case .ed25519:
      fits = try signs(key, publicKey, .ed25519)
    case .x25519:
      fits = try agrees(key, publicKey)
    }
    guard fits else { throw .pairwiseTestFailed }
  }

  private static func signs(
    _ key: PrivateKey,
    _ publicKey: PublicKey,
    _ scheme: SignatureScheme
  ) throws(CryptoError) -> Bool {
    publicKey.verify(scheme, message, signature: try key.sign(scheme, message))
  }

  private static func decrypts(
    _ key: PrivateKey,
    _ publicKey: PublicKey
  ) throws(CryptoError) -> Bool {
    let plaintext = try SecretBytes.fixture(message)
    let ciphertext = try publicKey.encryptOAEP(plaintext: plaintext)
    do throws(CryptoError) {
      return try key.decryptOAEP(ciphertext: ciphertext).constantTimeEquals(plaintext)
    } catch .authenticationFailed {
      return false
    }
  }

  /// The public half must be the private one times the base point (RFC 7748 §6.1).
  private static func agrees(_ key: PrivateKey, _ publicKey: PublicKey) throws(CryptoError) -> Bool
  {
    var base = [UInt8](repeating: 0, count: 32)
    base[0] = 9
    let product = try key.agree(with: PublicKey(raw: base, .x25519))
    return try product.constantTimeEquals(SecretBytes.fixture(publicKey.raw()))
  }
}
