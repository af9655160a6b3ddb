package import KeywardCrypto
package import KeywardModel

/// The plaintext that goes into an envelope, in the one form that every provider takes.
package enum ExportMaterial {
  /// Key pairs as canonical PKCS#8, symmetric keys as their bytes.
  ///
  /// `stored` is what a key version holds. A version that is still wrapped, text where bytes belong,
  /// and a key that does not have the form of its type are refused: a wrong first import ruins the
  /// provider's key for ever (failure modes 3, 4, 13, 14).
  package static func canonical(
    _ stored: borrowing SecretBytes,
    _ type: KeyType
  ) throws(ExportRefusal) -> SecretBytes {
    if let lengths = type.importedByteCounts {
      guard lengths.contains(stored.count) else {
        throw ExportRefusal(
          .materialLength,
          "Material of \(stored.count) bytes is not a key of type \(type.rawValue)."
        )
      }
      if let kind = MaterialText.kind(of: stored) {
        throw ExportRefusal(
          .materialIsText,
          "The material is \(kind.rawValue) text, not bytes.",
          remedy: "Import it into Keyward decoded."
        )
      }
      do throws(CryptoError) { return try stored.clone() } catch { throw ExportRefusal(error) }
    }
    let key: PrivateKey
    do throws(CryptoError) {
      key = try PrivateKey(pkcs8: stored, expecting: type.keyPairAlgorithm)
    } catch .outOfSecureMemory {
      throw ExportRefusal(CryptoError.outOfSecureMemory)
    } catch {
      throw ExportRefusal(
        .materialStillWrapped,
        "The material is not the PKCS#8 form of a key of type \(type.rawValue)."
      )
    }
    return try canonical(key)
  }

  /// The canonical PKCS#8 form of a key pair.
  package static func canonical(_ key: PrivateKey) throws(ExportRefusal) -> SecretBytes {
    do throws(CryptoError) {
      return key.algorithm.isEllipticCurve ? try CurvePKCS8.encode(key) : try key.pkcs8()
    } catch {
      throw ExportRefusal(error)
    }
  }
}

extension KeyType {
  /// The algorithm of key pairs of this type; nil for symmetric keys.
  package var keyPairAlgorithm: AsymmetricAlgorithm? {
    switch self {
    case .rsa2048: .rsa(bits: 2048)
    case .rsa3072: .rsa(bits: 3072)
    case .rsa4096: .rsa(bits: 4096)
    case .ecP256: .p256
    case .ecP384: .p384
    case .ecP521: .p521
    case .ecSecp256k1: .secp256k1
    case .ed25519: .ed25519
    case .x25519: .x25519
    case .aes128, .aes256, .chacha20Poly1305, .hmacSHA256, .hmacSHA384, .hmacSHA512, .opaque: nil
    }
  }
}
