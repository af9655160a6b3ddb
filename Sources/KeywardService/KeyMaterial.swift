package import KeywardCrypto
import KeywardKeyring
package import KeywardModel

/// Material on its way into the store, with what is public about it.
package struct KeyMaterial: Sendable {
  /// The bytes: raw for symmetric keys, PKCS#8 DER for key pairs.
  package let box: SecretBox
  /// See `KeyCheckValue`.
  package let checkValue: [UInt8]
  /// SubjectPublicKeyInfo DER; empty for symmetric keys.
  package let publicKey: [UInt8]

  /// New random material; a key pair has passed its pairwise test.
  package static func generate(_ type: KeyType) throws(ServiceError) -> KeyMaterial {
    do {
      if let count = type.generatedByteCount {
        return try secret(SecretBox(try SecretBytes.random(count: count)), type)
      }
      guard let algorithm = AsymmetricAlgorithm(type) else {
        throw ServiceError(.keyUsage, "A key of type \(type.rawValue) cannot be generated.")
      }
      return try pair(try PrivateKey.generate(algorithm))
    } catch let error as CryptoError {
      throw ServiceError(error)
    } catch let error as ServiceError {
      throw error
    } catch {
      throw ServiceError(.internalError, "The key could not be made.")
    }
  }

  /// Material from outside, checked: size, curve, primes, and that the halves of a pair fit.
  package static func imported(
    _ bytes: SecretBox,
    format: ImportRequest.Format,
    type: KeyType
  ) throws(ServiceError) -> KeyMaterial {
    try checkForm(format, of: type)
    do {
      switch type.importedByteCounts {
      case .some(let counts):
        guard counts.contains(bytes.bytes.count) else {
          throw ServiceError(
            .invalidRequest,
            "Material of type \(type.rawValue) has \(counts.words) bytes, not "
              + "\(bytes.bytes.count)."
          )
        }
        return try secret(bytes, type)
      case .none:
        return try pair(
          try PrivateKey(pkcs8: bytes.bytes, expecting: AsymmetricAlgorithm(type))
        )
      }
    } catch let error as CryptoError {
      throw ServiceError(error)
    } catch let error as ServiceError {
      throw error
    } catch {
      throw ServiceError(.internalError, "The key could not be imported.")
    }
  }

  /// Refuses the form of another kind of key.
  static func checkForm(
    _ format: ImportRequest.Format,
    of type: KeyType
  ) throws(ServiceError) {
    switch format {
    case .raw where type.isKeyPair:
      throw ServiceError(
        .invalidRequest,
        "A key pair is imported as PKCS#8.",
        remedy: "Use --format pkcs8."
      )
    case .pkcs8 where !type.isKeyPair:
      throw ServiceError(
        .invalidRequest,
        "A key of type \(type.rawValue) is imported raw.",
        remedy: "Use --format raw."
      )
    case .raw, .pkcs8: break
    }
  }

  private static func secret(
    _ box: SecretBox,
    _ type: KeyType
  ) throws(ServiceError) -> KeyMaterial {
    // Opaque material may be a password, which a public digest would let anyone guess offline.
    guard type != .opaque else { return KeyMaterial(box: box, checkValue: [], publicKey: []) }
    do {
      return KeyMaterial(
        box: box,
        checkValue: try KeyCheckValue.secret(box.bytes).bytes,
        publicKey: []
      )
    } catch {
      throw ServiceError(error)
    }
  }

  private static func pair(_ key: PrivateKey) throws -> KeyMaterial {
    let spki = try key.publicKey().spki()
    return KeyMaterial(
      box: SecretBox(try key.pkcs8()),
      checkValue: try KeyCheckValue.publicKey(spki: spki).bytes,
      publicKey: spki
    )
  }
}

extension AsymmetricAlgorithm {
  /// The algorithm of a key pair's type; nil for other types.
  package init?(_ type: KeyType) {
    switch type {
    case .ecP256: self = .p256
    case .ecP384: self = .p384
    case .ecP521: self = .p521
    case .ecSecp256k1: self = .secp256k1
    case .ed25519: self = .ed25519
    case .rsa2048: self = .rsa(bits: 2048)
    case .rsa3072: self = .rsa(bits: 3072)
    case .rsa4096: self = .rsa(bits: 4096)
    case .x25519: self = .x25519
    case .aes128, .aes256, .chacha20Poly1305, .hmacSHA256, .hmacSHA384, .hmacSHA512, .opaque:
      return nil
    }
  }
}

extension ClosedRange<Int> {
  fileprivate var words: String {
    lowerBound == upperBound ? "\(lowerBound)" : "\(lowerBound) to \(upperBound)"
  }
}
