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

  func mac(_ hash: HashFunction, _ message: [UInt8]) async -> [UInt8]? {
    guard !key.type.isKeyPair, let box = try? state.symmetric(key, version) else { return nil }
    return try? HMAC.authenticate(hash, key: box.bytes, message)
  }

  func open(_ sample: SealedSample) async -> [UInt8]? {
    guard !key.type.isKeyPair, let box = try? state.symmetric(key, version) else { return nil }
    let algorithm: AEAD.Algorithm
    switch (sample.cipher, box.bytes.count) {
    case (.aesGCM, 16): algorithm = .aes128GCM
    case (.aesGCM, 32): algorithm = .aes256GCM
    case (.chaCha20Poly1305, 32): algorithm = .chacha20Poly1305
    default: return nil
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
    } catch {
      return nil
    }
  }
}
