package import KeywardCrypto

/// The three byte strings that every import takes, made from the arena and opened into it.
package enum ExportEnvelope {
  /// The ephemeral key of the hybrid envelope has 32 bytes, everywhere.
  static let ephemeralKeyLength = 32

  /// Wraps material for a provider, and proves the blob before it is given away.
  ///
  /// The proof: the same wrap for a throw-away RSA key of the same size must open to the same
  /// material. What cannot be proved does not leave (`export_self_test_failed`).
  package static func seal(
    _ material: borrowing SecretBytes,
    _ wrapping: WrappingAlgorithm,
    to wrappingKey: PublicKey
  ) throws(ExportRefusal) -> [UInt8] {
    try translated { () throws(CryptoError) in
      guard let hash = wrapping.hash, case .rsa(let bits) = wrappingKey.algorithm else {
        throw .invalidKey("the wrapping key is not an RSA key")
      }
      let rehearsal = try ThrowAwayKeys.key(bits: bits)
      switch wrapping.envelope {
      case .symmetric: throw .invalidInput("a shared key wraps with seal(_:_:under:)")
      case .direct:
        let test = try rehearsal.publicKey().encryptOAEP(hash: hash, plaintext: material)
        let opened = try rehearsal.decryptOAEP(hash: hash, ciphertext: test)
        guard opened.constantTimeEquals(material) else { throw .selfTestFailed("OAEP") }
        return try wrappingKey.encryptOAEP(hash: hash, plaintext: material)
      case .hybrid:
        // Fresh for every blob (failure mode 18), and wiped when it goes out of scope.
        let ephemeral = try SecretBytes.random(count: ephemeralKeyLength)
        let wrapped = try KeyWrap.wrapPadded(kek: ephemeral, material)
        let test = try rehearsal.publicKey().encryptOAEP(hash: hash, plaintext: ephemeral)
        let opened = try rehearsal.decryptOAEP(hash: hash, ciphertext: test)
        guard try KeyWrap.unwrapPadded(kek: opened, wrapped).constantTimeEquals(material) else {
          throw .selfTestFailed("KWP")
        }
        return try wrappingKey.encryptOAEP(hash: hash, plaintext: ephemeral) + wrapped
      }
    }
  }

  /// Wraps material under a shared AES key: AES-KW or AES-KWP, opened again before it is given away.
  package static func seal(
    _ material: borrowing SecretBytes,
    _ wrapping: WrappingAlgorithm,
    under kek: borrowing SecretBytes
  ) throws(ExportRefusal) -> [UInt8] {
    if wrapping == .aesKW, material.count < 16 || material.count % 8 != 0 {
      throw ExportRefusal(
        .formatNotForKey,
        "AES-KW wraps 16 bytes or more, a multiple of 8, and the material has \(material.count).",
        remedy: "Use AES-KWP."
      )
    }
    do throws(CryptoError) {
      switch wrapping {
      case .aesKW:
        let wrapped = try KeyWrap.wrap(kek: kek, material)
        let opened = try KeyWrap.unwrap(kek: kek, wrapped)
        guard opened.constantTimeEquals(material) else { throw .selfTestFailed("KW") }
        return wrapped
      case .aesKWP:
        let wrapped = try KeyWrap.wrapPadded(kek: kek, material)
        let opened = try KeyWrap.unwrapPadded(kek: kek, wrapped)
        guard opened.constantTimeEquals(material) else { throw .selfTestFailed("KWP") }
        return wrapped
      default: throw .invalidInput("\(wrapping.rawValue) is not for a shared key")
      }
    } catch {
      throw ExportRefusal(error)
    }
  }

  /// Opens a blob with the private half of its wrapping key; all that is wrong is `blob_unopened`.
  package static func open(
    _ blob: [UInt8],
    _ wrapping: WrappingAlgorithm,
    with wrappingKey: PrivateKey
  ) throws(ExportRefusal) -> SecretBytes {
    guard let hash = wrapping.hash else { throw Self.unopened }
    return try open(blob, wrapping.envelope, hash, with: wrappingKey)
  }

  /// The same, for hashes that no provider has a name for.
  package static func open(
    _ blob: [UInt8],
    _ envelope: WrappingAlgorithm.Envelope,
    _ hash: HashFunction,
    with wrappingKey: PrivateKey
  ) throws(ExportRefusal) -> SecretBytes {
    guard case .rsa(let bits) = wrappingKey.algorithm else { throw Self.unopened }
    let length = bits / 8
    do throws(CryptoError) {
      switch envelope {
      case .symmetric: throw .authenticationFailed
      case .direct: return try wrappingKey.decryptOAEP(hash: hash, ciphertext: blob)
      case .hybrid:
        guard blob.count > length else { throw .authenticationFailed }
        let ephemeral = try ephemeralKey(Array(blob[..<length]), hash, wrappingKey)
        return try KeyWrap.unwrapPadded(kek: ephemeral, Array(blob[length...]))
      }
    } catch .outOfSecureMemory {
      throw ExportRefusal(CryptoError.outOfSecureMemory)
    } catch {
      throw Self.unopened
    }
  }

  /// Opens a blob under a shared AES key; all that is wrong is `blob_unopened`.
  package static func open(
    _ blob: [UInt8],
    _ wrapping: WrappingAlgorithm,
    under kek: borrowing SecretBytes
  ) throws(ExportRefusal) -> SecretBytes {
    do throws(CryptoError) {
      switch wrapping {
      case .aesKW: return try KeyWrap.unwrap(kek: kek, blob)
      case .aesKWP: return try KeyWrap.unwrapPadded(kek: kek, blob)
      default: throw .authenticationFailed
      }
    } catch .outOfSecureMemory {
      throw ExportRefusal(CryptoError.outOfSecureMemory)
    } catch {
      throw Self.unopened
    }
  }

  /// The ephemeral key of a hybrid envelope; a random one where there is none.
  ///
  /// So the time that follows is the same whether OAEP or KWP is what fails.
  private static func ephemeralKey(
    _ wrapped: [UInt8],
    _ hash: HashFunction,
    _ wrappingKey: PrivateKey
  ) throws(CryptoError) -> SecretBytes {
    let other = try SecretBytes.random(count: ephemeralKeyLength)
    do throws(CryptoError) {
      let key = try wrappingKey.decryptOAEP(hash: hash, ciphertext: wrapped)
      return key.count == ephemeralKeyLength ? key : other
    } catch .authenticationFailed {
      return other
    }
  }

  private static let unopened = ExportRefusal(
    .blobUnopened,
    "The blob does not open with this key and algorithm.",
    remedy: "Check which wrapping key, which hash of OAEP and of MGF1, and KWP rather than KW."
  )

  private static func translated<R>(
    _ body: () throws(CryptoError) -> R
  ) throws(ExportRefusal) -> R {
    do throws(CryptoError) { return try body() } catch { throw ExportRefusal(error) }
  }
}

extension ExportRefusal {
  /// A failure of the cryptography in words.
  init(_ error: CryptoError) {
    switch error {
    case .outOfSecureMemory:
      self.init(.outOfMemory, "The locked memory is used up.", remedy: "Try again, or raise it.")
    case .invalidKey(let words):
      self.init(.keyInvalid, "The key cannot be used: \(words).")
    case .invalidInput(let words):
      self.init(.formatNotForKey, "This cannot be wrapped: \(words).")
    case .authenticationFailed, .entropyFailure, .selfTestFailed, .pairwiseTestFailed,
      .internalFailure:
      self.init(.selfTestFailed, "The blob did not open as it was made, so it was thrown away.")
    }
  }
}
