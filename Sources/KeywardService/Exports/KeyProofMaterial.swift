import KeywardCrypto
import KeywardExport
import KeywardModel

/// What a proof may ask of one key version; the bytes stay here.
struct KeyProofMaterial: ProofMaterial {
  private let state: UnsealedState
  private let key: Key
  private let version: KeyVersion

  init(_ state: UnsealedState, _ key: Key, _ version: KeyVersion) {
    self.state = state
    self.key = key
    self.version = version
  }

  var publicKey: [UInt8]? { version.publicKey.isEmpty ? nil : version.publicKey }

  func mac(_ hash: HashFunction, _ message: [UInt8]) async throws(ProofObstacle) -> [UInt8] {
    let box = try material()
    do throws(CryptoError) {
      return try HMAC.authenticate(hash, key: box.bytes, message)
    } catch {
      throw ProofObstacle("Keyward makes no MAC with \(hash.rawValue) of this key")
    }
  }

  func open(_ sample: SealedSample) async throws(ProofObstacle) -> [UInt8]? {
    let box = try material()
    let algorithm: AEAD.Algorithm
    switch (sample.cipher, box.bytes.count) {
    case (.aesGCM, 16): algorithm = .aes128GCM
    case (.aesGCM, 32): algorithm = .aes256GCM
    case (.chaCha20Poly1305, 32): algorithm = .chacha20Poly1305
    default: throw ProofObstacle("Keyward does not decrypt with this key what was encrypted")
    }
    do throws(CryptoError) {
      // A plaintext that the provider was asked to encrypt: a random message, no secret.
      return try AEAD.open(
        algorithm,
        key: box.bytes,
        nonce: sample.nonce,
        aad: [],
        ciphertext: sample.ciphertext + sample.tag
      ).revealed()
    } catch .authenticationFailed {
      return nil
    } catch .outOfSecureMemory {
      throw ProofObstacle("no locked memory is left in Keyward to compare with")
    } catch {
      throw ProofObstacle("what the provider encrypted is not of the form that was asked for")
    }
  }

  /// The key's bytes; that they cannot be had is a fault of this server, whatever the provider has.
  private func material() throws(ProofObstacle) -> SecretBox {
    guard !key.type.isKeyPair else {
      throw ProofObstacle("a key pair is compared by its public key")
    }
    do throws(ServiceError) {
      return try state.symmetric(key, version)
    } catch {
      throw ProofObstacle("Keyward's own key could not be opened to compare with")
    }
  }
}
