package import KeywardCrypto
import KeywardModel

/// A JWK under encryption, in compact form (RFC 7516, RFC 7517 §7), with A256GCM.
package enum JWE {
  /// Encrypts `jwk` to a public key: RSA-OAEP-256, or ECDH-ES+A256KW for curves and X25519.
  package static func seal(
    _ jwk: borrowing SecretBytes,
    kid: String,
    to recipient: PublicKey
  ) throws(ExportRefusal) -> String {
    do throws(CryptoError) {
      let contentKey = try SecretBytes.random(count: 32)
      if recipient.algorithm.isRSA {
        let wrapped = try wrap(contentKey, to: recipient)
        return try compact(jwk, contentKey, wrapped, header("RSA-OAEP-256", kid, nil))
      }
      guard recipient.algorithm.isEllipticCurve || recipient.algorithm == .x25519 else {
        throw .invalidKey("a recipient has an RSA key, a curve for ECDH, or X25519")
      }
      let ephemeral = try PrivateKey.generate(recipient.algorithm)
      let shared = try ephemeral.agree(with: recipient)
      let kek = try Digest.secretSHA256([0, 0, 0, 1], shared, otherInformation)
      let wrapped = try KeyWrap.wrap(kek: kek, contentKey)
      let head = try header("ECDH-ES+A256KW", kid, publicJWK(ephemeral.publicKey()))
      return try compact(jwk, contentKey, wrapped, head)
    } catch {
      throw ExportRefusal(error)
    }
  }

  /// Encrypts `jwk` under a shared key of 32 bytes: A256KW.
  package static func seal(
    _ jwk: borrowing SecretBytes,
    kid: String,
    under kek: borrowing SecretBytes
  ) throws(ExportRefusal) -> String {
    do throws(CryptoError) {
      guard kek.count == 32 else { throw .invalidKey("A256KW has a key of 32 bytes") }
      let contentKey = try SecretBytes.random(count: 32)
      let wrapped = try KeyWrap.wrap(kek: kek, contentKey)
      return try compact(jwk, contentKey, wrapped, header("A256KW", kid, nil))
    } catch {
      throw ExportRefusal(error)
    }
  }

  /// The envelope's own self-test goes with it.
  private static func wrap(
    _ contentKey: borrowing SecretBytes,
    to recipient: PublicKey
  ) throws(CryptoError) -> [UInt8] {
    do throws(ExportRefusal) {
      return try ExportEnvelope.seal(contentKey, .oaepSHA256, to: recipient)
    } catch {
      throw .selfTestFailed("RSA-OAEP-256")
    }
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
    let opened = try AEAD.open(
      .aes256GCM,
      key: contentKey,
      nonce: nonce,
      aad: aad,
      ciphertext: sealed
    )
    guard opened.constantTimeEquals(plaintext) else { throw .selfTestFailed("A256GCM") }
    let end = sealed.count - AEAD.tagLength
    return [
      protected, Base64.encodeURL(wrapped), Base64.encodeURL(nonce),
      Base64.encodeURL(Array(sealed[..<end])), Base64.encodeURL(Array(sealed[end...])),
    ].joined(separator: ".")
  }
}
