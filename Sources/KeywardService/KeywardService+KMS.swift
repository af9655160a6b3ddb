package import KeywardCrypto
import KeywardKeyring
package import KeywardModel
import KeywardPolicy

/// The version that a KMS socket protects with, as its Status told it.
package struct KMSSnapshot: Sendable {
  package let keyID: KMSKeyID
  package let key: KeyID
  package let version: Int

  package init(keyID: KMSKeyID, key: KeyID, version: Int) {
    self.keyID = keyID
    self.key = key
    self.version = version
  }
}

/// What encrypting a seed of kube-apiserver gives back.
package struct KMSCiphertext: Sendable {
  package let bytes: [UInt8]
  package let keyID: KMSKeyID

  package init(bytes: [UInt8], keyID: KMSKeyID) {
    self.bytes = bytes
    self.keyID = keyID
  }
}

/// The operations behind a KMS v2 socket (docs/kms-plugin.md).
extension KeywardService {
  /// The current version of the socket's key: from memory alone, so that it never waits.
  ///
  /// Sealed, disabled, missing, or an audit log that cannot be written is an error, because
  /// kube-apiserver goes on writing for as long as Status answers (kubernetes#138950). Status is a
  /// probe and makes no audit entry.
  package func kmsStatus(_ name: KeyName) throws(ServiceError) -> KMSSnapshot {
    let state = try unsealed()
    guard !committer.isBroken else {
      throw ServiceError(.auditUnavailable, "The audit log cannot be written.")
    }
    let key = try find(name, in: state)
    // A key that cannot encrypt seeds must not look healthy.
    _ = try kmsSuite(key)
    _ = try choose(key, nil, for: .decrypt)
    let version = try choose(key, nil, for: .encrypt)
    return KMSSnapshot(keyID: version.kmsKeyID, key: key.id, version: version.number)
  }

  /// Encrypts a seed under the current version, or under the one that Status last told this
  /// connection, if that was rotated out a moment ago: so the two never differ.
  ///
  /// May be called on an event loop: it does not block, and replies when the entry is durable.
  package func kmsEncrypt(
    _ caller: Caller,
    name: KeyName,
    told: KMSSnapshot?,
    plaintext: borrowing SecretBytes,
    uid: String,
    reply: @escaping @Sendable (Result<KMSCiphertext, ServiceError>) -> Void
  ) {
    answer(caller, .keyEncrypt, .key(name), reply: reply) {
      _,
      state,
      record throws(ServiceError) in
      record.kmsUID = uid
      // A ciphertext longer than 1024 bytes would be refused by kube-apiserver.
      let longest = 1024 - Envelope.overhead
      guard plaintext.count <= longest else {
        throw ServiceError(.invalidRequest, "A KMS plaintext has at most \(longest) bytes.")
      }
      let key = try find(name, in: state)
      let version = try kmsVersion(key, told: told, at: record.time)
      record.used(key, version)
      let suite = try kmsSuite(key)
      let box = try state.symmetric(key, version)
      do throws(KeyringError) {
        let number = UInt32(clamping: version.number)
        let bytes = try Envelope.seal(
          suite,
          key: box.bytes,
          version: number,
          aad: .kms(store: state.store, key: key.id, version: number, keyID: version.kmsKeyID),
          plaintext: plaintext
        )
        return KMSCiphertext(bytes: bytes, keyID: version.kmsKeyID)
      } catch {
        throw ServiceError(error)
      }
    }
  }

  /// Decrypts a seed under the version that its `key_id` names, never under another.
  ///
  /// `key_id` of another key than the socket's is refused as unknown.
  package func kmsDecrypt(
    _ caller: Caller,
    name: KeyName,
    keyID text: String,
    ciphertext: [UInt8],
    uid: String,
    reply: @escaping @Sendable (Result<SecretBox, ServiceError>) -> Void
  ) {
    answer(caller, .keyDecrypt, .key(name), reply: reply) {
      _,
      state,
      record throws(ServiceError) in
      record.kmsUID = uid
      let key = try find(name, in: state)
      record.used(key, nil)
      guard let keyID = KMSKeyID(text),
        let (owner, named) = state.directory.version(kmsKeyID: keyID), owner.id == key.id
      else {
        throw ServiceError(
          .notFound,
          "The key_id is not one of this key.",
          remedy: "Serve the key that encrypted this data on this socket."
        )
      }
      record.used(key, named)
      let version = try choose(key, named.number, for: .decrypt)
      let suite = try kmsSuite(key)
      let box = try state.symmetric(key, version)
      let number = UInt32(clamping: version.number)
      guard Envelope.version(of: ciphertext) == number else { throw .decryptionFailed }
      do throws(KeyringError) {
        return SecretBox(
          try Envelope.open(
            expecting: suite,
            key: box.bytes,
            aad: .kms(store: state.store, key: key.id, version: number, keyID: keyID),
            ciphertext
          )
        )
      } catch {
        throw ServiceError(error)
      }
    }
  }

  /// Makes the key of a KMS socket if there is none: only where `--kms` asked for it.
  package func ensureKMSKey(_ name: KeyName) async throws(ServiceError) {
    let state = try unsealed()
    if let key = state.directory.key(named: name) {
      _ = try kmsSuite(key)
      return
    }
    _ = try await createKey(
      Caller(principal: .server, transport: .server, requestID: "start"),
      CreateKeyRequest(name: name.description, type: KeyType.aes256.rawValue)
    )
  }

  private func kmsVersion(
    _ key: Key,
    told: KMSSnapshot?,
    at now: Timestamp
  ) throws(ServiceError) -> KeyVersion {
    let primary = try choose(key, nil, for: .encrypt)
    guard let told, told.key == key.id, told.version != primary.number,
      let version = key.version(told.version), version.state == .deactivated,
      version.destroyAt == nil, let since = version.deactivatedAt,
      now < since.adding(seconds: options.rotationGrace)
    else { return primary }
    return version
  }

  private func kmsSuite(_ key: Key) throws(ServiceError) -> EnvelopeSuite {
    guard let suite = EnvelopeSuite(key.type) else {
      throw ServiceError(
        .keyUsage,
        "The key '\(key.name)' of type \(key.type.rawValue) cannot serve a KMS socket.",
        remedy: "Use a key of type aes-256."
      )
    }
    return suite
  }
}
