import KeywardCrypto

/// What an E2 wrap costs on one thread, for the comparison with the same calls from C.
package enum EnvelopeBenchmark {
  /// Wraps a second of a key of 32 bytes under an RSA key of 4096 bits with SHA-256: as
  /// `ExportEnvelope` makes them, with the trial of each, and the envelope alone.
  package static func hybrid(
    seconds: Double
  ) throws(ExportRefusal) -> (tried: Double, alone: Double) {
    do throws(CryptoError) {
      let material = try SecretBytes.random(count: 32)
      let key = try PrivateKey.generate(.rsa(bits: 4096)).publicKey()
      // Makes the throw-away key, which is made once.
      _ = try seal(material, key)
      let tried = try CryptoBenchmark.rate(seconds, batch: 10) { _ throws(CryptoError) in
        _ = try seal(material, key)
      }
      let alone = try CryptoBenchmark.rate(seconds, batch: 10) { _ throws(CryptoError) in
        let ephemeral = try SecretBytes.random(count: ExportEnvelope.ephemeralKeyLength)
        let wrapped = try KeyWrap.wrapPadded(kek: ephemeral, material)
        _ = try key.encryptOAEP(hash: .sha256, plaintext: ephemeral) + wrapped
      }
      return (tried, alone)
    } catch {
      throw ExportRefusal(error)
    }
  }

  private static func seal(
    _ material: borrowing SecretBytes,
    _ key: PublicKey
  ) throws(CryptoError) -> [UInt8] {
    do throws(ExportRefusal) {
      return try ExportEnvelope.seal(material, .hybridSHA256, to: key)
    } catch {
      throw .internalFailure(error.words)
    }
  }
}
