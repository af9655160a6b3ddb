package import KeywardCrypto
import KeywardModel

/// A JWK under encryption, in compact form (RFC 7516, RFC 7517 §7), with A256GCM.
package enum JWE {
  /// Encrypts `jwk` to a public key: RSA-OAEP-256, or ECDH-ES+A256KW for curves and X25519.
  ///
  /// The same was made for a throw-away key of the same kind and opened before.
  package static func seal(
    _ jwk: borrowing SecretBytes,
    kid: String,
    to recipient: PublicKey
  ) throws(ExportRefusal) -> String {
    do throws(CryptoError) {
      guard isRecipient(recipient.algorithm) else {
        throw .invalidKey("a recipient has an RSA key, a curve for ECDH, or X25519")
      }
      let rehearsal = try ThrowAwayKeys.key(recipient.algorithm)
      let test = try encrypt(jwk, kid, to: try rehearsal.publicKey())
      guard try open(test, with: rehearsal).constantTimeEquals(jwk) else {
        throw .selfTestFailed("JWE")
      }
      return try encrypt(jwk, kid, to: recipient)
    } catch {
      throw ExportRefusal(error)
    }
  }

  /// Encrypts `jwk` under a shared key of 32 bytes: A256KW; opened again before it is given away.
  package static func seal(
    _ jwk: borrowing SecretBytes,
    kid: String,
    under kek: borrowing SecretBytes
  ) throws(ExportRefusal) -> String {
    do throws(CryptoError) {
      guard kek.count == 32 else { throw .invalidKey("A256KW has a key of 32 bytes") }
      let contentKey = try SecretBytes.random(count: 32)
      let wrapped = try KeyWrap.wrap(kek: kek, contentKey)
      let text = try compact(jwk, contentKey, wrapped, header("A256KW", kid, nil))
      guard try open(text, under: kek).constantTimeEquals(jwk) else {
        throw .selfTestFailed("JWE")
      }
      return text
    } catch {
      throw ExportRefusal(error)
    }
  }

  private static func isRecipient(_ algorithm: AsymmetricAlgorithm) -> Bool {
    algorithm.isRSA || algorithm.isEllipticCurve || algorithm == .x25519
  }

  private static func encrypt(
    _ jwk: borrowing SecretBytes,
    _ kid: String,
    to recipient: PublicKey
  ) throws(CryptoError) -> String {
    let contentKey = try SecretBytes.random(count: 32)
    if recipient.algorithm.isRSA {
      let wrapped = try recipient.encryptOAEP(hash: .sha256, plaintext: contentKey)
      return try compact(jwk, contentKey, wrapped, header("RSA-OAEP-256", kid, nil))
    }
    let ephemeral = try PrivateKey.generate(recipient.algorithm)
    let kek = try agreedKey(ephemeral, recipient)
    let wrapped = try KeyWrap.wrap(kek: kek, contentKey)
    let head = try header("ECDH-ES+A256KW", kid, publicJWK(ephemeral.publicKey()))
    return try compact(jwk, contentKey, wrapped, head)
  }

  /// The key that both sides come to (RFC 7518 §4.6).
  static func agreedKey(
    _ mine: PrivateKey,
    _ theirs: PublicKey
  ) throws(CryptoError) -> SecretBytes {
    try Digest.secretSHA256([0, 0, 0, 1], try mine.agree(with: theirs), otherInformation)
  }

  /// AlgorithmID, two empty parties and the length in bits (RFC 7518 §4.6.2).
  private static let otherInformation: [UInt8] = {
    let name = Array("ECDH-ES+A256KW".utf8)
    return [0, 0, 0, UInt8(name.count)] + name + [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]
  }()

  private static func header(_ algorithm: String, _ kid: String, _ epk: JSONText?) -> [UInt8] {
    JSONText.members([
      ("alg", .string(algorithm)), ("enc", .string("A256GCM")), ("cty", .string("jwk+json")),
      ("kid", .string(kid)), ("epk", epk),
    ]).bytes
  }

  private static func publicJWK(_ key: PublicKey) throws(CryptoError) -> JSONText {
    let point = try key.raw()
    let curve = JSONText.string(JWK.curve(key.algorithm))
    guard let length = key.algorithm.fieldLength else {
      return .object([
        ("kty", .string("OKP")), ("crv", curve), ("x", .string(Base64.encodeURL(point))),
      ])
    }
    return .object([
      ("kty", .string("EC")), ("crv", curve),
      ("x", .string(Base64.encodeURL(Array(point[1...length])))),
      ("y", .string(Base64.encodeURL(Array(point[(length + 1)...])))),
    ])
  }

  private static func compact(
    _ plaintext: borrowing SecretBytes,
    _ contentKey: borrowing SecretBytes,
    _ wrapped: [UInt8],
    _ header: [UInt8]
  ) throws(CryptoError) -> String {
    let protected = Base64.encodeURL(header)
    // One message a key, so any nonce will do.
    let nonce = try RandomSource.bytes(AEAD.nonceLength)
    let aad = Array(protected.utf8)
    let sealed = try AEAD.seal(
      .aes256GCM,
      key: contentKey,
      nonce: nonce,
      aad: aad,
      plaintext: plaintext
    )
    let end = sealed.count - AEAD.tagLength
    return [
      protected, Base64.encodeURL(wrapped), Base64.encodeURL(nonce),
      Base64.encodeURL(Array(sealed[..<end])), Base64.encodeURL(Array(sealed[end...])),
    ].joined(separator: ".")
  }
}
