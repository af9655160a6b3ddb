package import KeywardCrypto
package import KeywardModel

extension WrappingParameters {
  /// The wrapping key, which must be RSA.
  package var wrappingKey: PublicKey {
    get throws(ExportRefusal) {
      do throws(CryptoError) {
        let key = try WrappingKeys.key(publicKey)
        guard key.algorithm.isRSA else { throw .invalidKey("the wrapping key is not RSA") }
        return key
      } catch {
        throw ExportRefusal(error)
      }
    }
  }

  /// The SHA-256 of the wrapping key's SubjectPublicKeyInfo, in hexadecimal: what is pinned.
  package var fingerprint: String { Self.fingerprint(publicKey) }

  package static func fingerprint(_ spki: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: Digest.sha256(spki).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
      as: UTF8.self
    )
  }

  /// Refuses parameters that are not for this cell, or no longer taken.
  package func check(_ cell: ExportCell, now: Timestamp) throws(ExportRefusal) {
    guard provider == cell.provider, algorithm == cell.wrapping else {
      throw ExportRefusal(
        .parametersMixed,
        "The parameters are for \(provider.title) and \(algorithm.rawValue), not for "
          + "\(cell.provider.title) and \(cell.wrapping.rawValue).",
        remedy: provider == cell.provider
          ? "Wrap as they say, with --wrapping-algorithm \(algorithm.rawValue), or ask the provider "
            + "for others."
          : "Give the file of \(cell.provider.title), or another destination.",
        place: "the algorithm"
      )
    }
    guard try wrappingKey.algorithm == .rsa(bits: cell.wrappingKeyBits) else {
      throw ExportRefusal(
        .wrappingKeySize,
        "The wrapping key is RSA of \(try wrappingKeyBits) bits, not of \(cell.wrappingKeyBits).",
        remedy: "Give its size with --wrapping-key-bits, or ask the provider for another.",
        place: "wrapping key"
      )
    }
    if let validUntil, validUntil <= now {
      throw ExportRefusal(
        .parametersExpired,
        "The parameters were taken until \(validUntil.rfc3339).",
        remedy: "Get new ones from the provider."
      )
    }
  }

  /// The size of the wrapping key in bits.
  package var wrappingKeyBits: Int {
    get throws(ExportRefusal) {
      guard case .rsa(let bits) = try wrappingKey.algorithm else { return 0 }
      return bits
    }
  }
}
