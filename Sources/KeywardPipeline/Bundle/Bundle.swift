package import KeywardCrypto
package import KeywardModel

/// Who can open a bundle.
package enum BundleRecipient: Hashable, Sendable, CustomStringConvertible {
  /// Whoever has the identity of this recipient of age.
  case age(AgeRecipient)
  /// Whoever may decrypt with this key of a Keyward server.
  case keyward(KeyName)

  /// Takes `age1…` or the name of a key, else nil.
  package init?(_ text: String) {
    if text.hasPrefix("age1") {
      guard let recipient = AgeRecipient(text) else { return nil }
      self = .age(recipient)
    } else if text.hasPrefix("keyward "), let name = try? KeyName(String(text.dropFirst(8))) {
      self = .keyward(name)
    } else {
      return nil
    }
  }

  package var description: String {
    switch self {
    case .age(let recipient): recipient.description
    case .keyward(let name): "keyward \(name)"
    }
  }
}

/// The lines of a bundle, read but not believed: nothing is proved before `verify` and `unlock`.
///
/// docs/formats/bundle.md has the format. One line is one fact, so that a change in git is a change
/// of what it is about.
package struct Bundle: Sendable {
  package static let version = "keyward-bundle-v1"
  /// The longest file, in bytes: what the arena holds beside the work on it.
  package static let longest = 32 << 20
  package static let mostValues = 10_000
  package static let mostRecipients = 64

  /// Who signed: a raw Ed25519 key, and what the signer calls it.
  package struct Signer: Hashable, Sendable {
    package let publicKey: [UInt8]
    /// The key of a Keyward server that it is; nil for a key of a file.
    package let name: KeyName?

    package init(publicKey: [UInt8], name: KeyName?) {
      self.publicKey = publicKey
      self.name = name
    }
  }

  /// The key of the bundle, wrapped for recipients.
  package enum WrappedKey: Hashable, Sendable {
    /// A whole file of age, for all recipients of age.
    case age([UInt8])
    /// What the key of the server made of it.
    case keyward(KeyName, [UInt8])
  }

  package struct Entry: Hashable, Sendable {
    package let reference: SecretReference
    let sealed: [UInt8]
  }

  package let environment: EnvironmentName
  package let created: Timestamp
  package let expires: Timestamp
  package let signer: Signer
  package let recipients: [BundleRecipient]
  let keys: [WrappedKey]
  package let entries: [Entry]
  let mac: [UInt8]
  let signature: [UInt8]
  /// What the MAC covers: everything before its line.
  let authenticated: [UInt8]
  /// What the signature covers: everything before its line.
  let signed: [UInt8]
  /// The SHA-256 of the whole file.
  package let digest: [UInt8]

  /// Checks the signature, by one of these keys, and that `now` is within the bundle's time.
  ///
  /// `now` may be five minutes before the bundle was made, since clocks differ.
  package func verify(trusting signers: [[UInt8]], now: Timestamp) throws(PipelineError) {
    try verifySignature(trusting: signers)
    guard now < expires else {
      throw PipelineError(
        .verification,
        "The bundle expired \(expires.rfc3339).",
        remedy: "Make a new one: keyward bundle create."
      )
    }
    guard now.adding(seconds: 300) >= created else {
      throw PipelineError(
        .verification,
        "The bundle was made at \(created.rfc3339), which this machine's clock has not reached.",
        remedy: "Set the clock."
      )
    }
  }

  /// Checks the signature, by one of these keys, whatever the time.
  package func verifySignature(trusting signers: [[UInt8]]) throws(PipelineError) {
    guard !signers.isEmpty else {
      throw PipelineError(
        .verification,
        "No signer is trusted, so no bundle can be opened.",
        remedy: "Name the public key of who makes them: --signer FILE."
      )
    }
    guard signers.contains(signer.publicKey) else {
      throw PipelineError(
        .verification,
        "The bundle is signed by a key that is not trusted.",
        remedy: "Compare 'keyward bundle inspect' with --signer."
      )
    }
    let key = try? PublicKey(raw: signer.publicKey, .ed25519)
    guard key?.verify(.ed25519, Self.message(signed), signature: signature) == true else {
      throw PipelineError(
        .verification,
        "The signature of the bundle does not hold: it was changed after it was made.",
        remedy: "Get it again from where it was made."
      )
    }
  }

  /// The bytes that a signer signs: short, whatever the size of the bundle.
  package static func message(_ signed: [UInt8]) -> [UInt8] {
    Array("keyward/v1/bundle/signature\n".utf8) + Digest.sha256(signed)
  }

  /// Opens the key with identities of age; nil if none of them fits.
  package func unlock(with identities: [AgeIdentity]) throws(PipelineError) -> OpenBundle? {
    for case .age(let file) in keys {
      do throws(CryptoError) {
        let key = try AgeFile.decrypt(file, with: identities)
        return try OpenBundle(self, key: SecretBox(key))
      } catch .authenticationFailed {
        continue
      } catch {
        throw .outOfSecureMemory
      }
    }
    return nil
  }

  /// The wrapped keys that servers can open.
  package var serverKeys: [(name: KeyName, ciphertext: [UInt8])] {
    keys.compactMap { key in
      if case .keyward(let name, let ciphertext) = key { (name, ciphertext) } else { nil }
    }
  }

  /// Opens the bundle with its own key, as a server has unwrapped it.
  package func unlock(key: SecretBox) throws(PipelineError) -> OpenBundle {
    do throws(CryptoError) {
      return try OpenBundle(self, key: key)
    } catch .authenticationFailed {
      throw PipelineError(.verification, "The MAC of the bundle does not hold.")
    } catch {
      throw .outOfSecureMemory
    }
  }
}

/// The keys of a bundle, derived from the one that its recipients can open.
struct BundleKeys: ~Copyable {
  static let length = 32
  private let values: SecretBytes
  private let mac: SecretBytes

  init(_ key: borrowing SecretBytes) throws(CryptoError) {
    let values = try Self.derived("value", from: key)
    let mac = try Self.derived("mac", from: key)
    self.values = values
    self.mac = mac
  }

  private static func derived(
    _ use: String,
    from key: borrowing SecretBytes
  ) throws(CryptoError) -> SecretBytes {
    guard key.count == length else { throw .authenticationFailed }
    let info = Array("keyward/v1/bundle/\(use)".utf8)
    return try HKDF.expand(.sha256, prk: key, info: info, count: 32)
  }

  borrowing func authenticate(_ text: [UInt8]) throws(CryptoError) -> [UInt8] {
    try HMAC.authenticate(.sha256, key: mac, text)
  }

  borrowing func verify(_ text: [UInt8], _ tag: [UInt8]) throws(CryptoError) -> Bool {
    try HMAC.verify(.sha256, key: mac, text, tag: tag)
  }

  borrowing func seal(
    _ value: borrowing SecretBytes,
    as label: [UInt8]
  ) throws(CryptoError) -> [UInt8] {
    let salt = try CommittingAEAD.newSalt()
    return salt
      + (try CommittingAEAD.seal(.aes256CTR, key: values, salt: salt, aad: label, plaintext: value))
  }

  borrowing func open(_ sealed: [UInt8], as label: [UInt8]) throws(CryptoError) -> SecretBytes {
    guard sealed.count >= CommittingAEAD.saltLength else { throw .authenticationFailed }
    return try CommittingAEAD.open(
      .aes256CTR,
      key: values,
      salt: Array(sealed[..<CommittingAEAD.saltLength]),
      aad: label,
      ciphertext: Array(sealed[CommittingAEAD.saltLength...])
    )
  }

  /// What a value is bound to: moved to another place, it does not open.
  static func label(_ environment: EnvironmentName, _ reference: SecretReference) -> [UInt8] {
    Array("keyward/v1/bundle/value\n\(environment)\n\(reference)".utf8)
  }
}
