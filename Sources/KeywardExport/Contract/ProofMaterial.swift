package import KeywardCrypto

/// What a proof may ask of the key; the service answers it with the version that was exported.
package protocol ProofMaterial: Sendable {
  /// DER SubjectPublicKeyInfo; nil for symmetric keys.
  var publicKey: [UInt8]? { get }

  /// The HMAC of `message`.
  func mac(_ hash: HashFunction, _ message: [UInt8]) async throws(ProofObstacle) -> [UInt8]

  /// The plaintext of what the provider encrypted; nil if it was certainly not this key that did.
  func open(_ sample: SealedSample) async throws(ProofObstacle) -> [UInt8]?
}

/// Why Keyward could not make its own half of a comparison.
///
/// It says nothing about the provider's key: a fault here must not look like another key there.
package struct ProofObstacle: Error, Equatable, Sendable {
  /// A part of a sentence, without any secret.
  package let words: String

  package init(_ words: String) {
    self.words = words
  }
}

/// Something that a provider has encrypted in a form that is known.
package struct SealedSample: Sendable, Equatable {
  package enum Cipher: Sendable {
    case aesGCM
    case chaCha20Poly1305
  }

  package let cipher: Cipher
  package let nonce: [UInt8]
  package let ciphertext: [UInt8]
  package let tag: [UInt8]

  package init(_ cipher: Cipher, nonce: [UInt8], ciphertext: [UInt8], tag: [UInt8]) {
    self.cipher = cipher
    self.nonce = nonce
    self.ciphertext = ciphertext
    self.tag = tag
  }
}

/// Whether the key at the provider is the key in Keyward.
package enum ProofResult: Sendable, Equatable {
  /// By what: `public-key`, `mac`, `encryption`.
  case proved(by: String)
  /// It is another key, or a broken one.
  case contradicted(String)
  /// The provider has no operation whose result could be compared.
  case notProvable(String)
}
