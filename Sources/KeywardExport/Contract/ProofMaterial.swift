package import KeywardCrypto

/// What a proof may ask of the key; the service answers it with the version that was exported.
package protocol ProofMaterial: Sendable {
  /// DER SubjectPublicKeyInfo; nil for symmetric keys.
  var publicKey: [UInt8]? { get }

  /// The HMAC of `message`; nil for keys that make none.
  func mac(_ hash: HashFunction, _ message: [UInt8]) async -> [UInt8]?

  /// The plaintext of what the provider encrypted; nil if it does not open.
  func open(_ sample: SealedSample) async -> [UInt8]?
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
