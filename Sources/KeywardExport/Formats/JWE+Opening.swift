package import KeywardCrypto
import KeywardModel

/// The way back, by which each JWE is tried before it leaves.
extension JWE {
  /// Opens the compact form with the private key of its recipient; all that is wrong is
  /// `authenticationFailed`.
  package static func open(
    _ text: String,
    with recipient: PrivateKey
  ) throws(CryptoError) -> SecretBytes {
    let parts = try Parts(text)
    switch parts.header["alg"]?.text {
    case "RSA-OAEP-256":
      return try parts.content(recipient.decryptOAEP(hash: .sha256, ciphertext: parts.wrapped))
    case "ECDH-ES+A256KW":
      guard let key = parts.header.object("epk") else { throw .authenticationFailed }
      let kek = try agreedKey(recipient, try ephemeral(key, recipient.algorithm))
      return try parts.content(KeyWrap.unwrap(kek: kek, parts.wrapped))
    default: throw .authenticationFailed
    }
  }

  /// Opens the compact form under a shared key (A256KW).
  package static func open(
    _ text: String,
    under kek: borrowing SecretBytes
  ) throws(CryptoError) -> SecretBytes {
    let parts = try Parts(text)
    guard parts.header["alg"]?.text == "A256KW" else { throw .authenticationFailed }
    return try parts.content(KeyWrap.unwrap(kek: kek, parts.wrapped))
  }

  private static func ephemeral(
    _ key: JSONObject,
    _ algorithm: AsymmetricAlgorithm
  ) throws(CryptoError) -> PublicKey {
    func number(_ name: String) -> [UInt8]? { (key[name]?.text).flatMap { Base64.decodeURL($0) } }
    guard key["crv"]?.text == JWK.curve(algorithm), let x = number("x") else {
      throw .authenticationFailed
    }
    guard let length = algorithm.fieldLength else { return try PublicKey(raw: x, algorithm) }
    guard let y = number("y"), x.count == length, y.count == length else {
      throw .authenticationFailed
    }
    return try PublicKey(raw: [4] + x + y, algorithm)
  }

  /// The five parts of the compact form.
  private struct Parts {
    let header: JSONObject
    let wrapped: [UInt8]
    private let protected: [UInt8]
    private let nonce: [UInt8]
    private let sealed: [UInt8]

    init(_ text: String) throws(CryptoError) {
      let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      let bytes = parts.compactMap { Base64.decodeURL($0) }
      guard parts.count == 5, bytes.count == 5, let header = try? StrictJSON.object(bytes[0]),
        header["enc"]?.text == "A256GCM", bytes[4].count == AEAD.tagLength
      else { throw .authenticationFailed }
      self.header = header
      protected = Array(parts[0].utf8)
      wrapped = bytes[1]
      nonce = bytes[2]
      sealed = bytes[3] + bytes[4]
    }

    func content(_ key: borrowing SecretBytes) throws(CryptoError) -> SecretBytes {
      guard key.count == 32 else { throw .authenticationFailed }
      return try AEAD.open(
        .aes256GCM,
        key: key,
        nonce: nonce,
        aad: protected,
        ciphertext: sealed
      )
    }
  }
}
