import KeywardCrypto
import KeywardModel

/// Whether the wrapping key that came is the one that was asked for.
enum WrappingKeyCheck {
  /// A public RSA key of exactly `bits` (failure mode 10); a smaller one would weaken the wrap.
  static func check(_ spki: [UInt8], bits: Int) throws(CloudFailure) {
    let key: PublicKey
    do throws(CryptoError) {
      key = try WrappingKeys.key(spki)
    } catch {
      throw CloudFailure(
        .wrappingKeyUnfit,
        "The provider's wrapping key is not a SubjectPublicKeyInfo of an RSA key that is taken."
      )
    }
    guard key.algorithm == .rsa(bits: bits) else {
      throw CloudFailure(
        .wrappingKeyUnfit,
        "The provider's wrapping key is not RSA of \(bits) bits, as was asked for."
      )
    }
  }

  /// The DER of a `PUBLIC KEY` block.
  static func der(pem: String, bits: Int) throws(CloudFailure) -> [UInt8] {
    let lines = pem.split { $0 == "\n" || $0 == "\r\n" }
    guard lines.count >= 3, lines.first == "-----BEGIN PUBLIC KEY-----",
      lines.last == "-----END PUBLIC KEY-----",
      let der = Base64.decode(lines.dropFirst().dropLast().joined())
    else {
      throw CloudFailure(.wrappingKeyUnfit, "The provider's wrapping key is not a PEM public key.")
    }
    try check(der, bits: bits)
    return der
  }
}
