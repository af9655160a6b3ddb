import KeywardAudit
package import KeywardCrypto
import KeywardKeyring
package import KeywardModel
import KeywardStore
import Synchronization

/// `operator init`: the root key, the first seals and what the audit log signs with.
extension KeywardService {
  /// Makes the store: root key, first keyring term, audit signing key and seals.
  ///
  /// Returns the text of the shares: of the seal itself, or the recovery shares of another seal.
  /// They are nowhere else. A store with an automatic seal is unsealed at once; others stay sealed,
  /// so that the first unsealing shows that the shares were kept.
  package func initialize(
    _ caller: Caller,
    _ request: SealRequest,
    passphrase: SecretBox
  ) async throws(ServiceError) -> [SecretBox] {
    try await checkOfficer(caller, .operatorInit)
    let shares = try await onWritingThread { () throws(ServiceError) in
      do throws(ServiceError) {
        guard self.session.withLock({ $0.state.phase }) == .uninitialized else {
          throw ServiceError(
            .alreadyInitialized,
            "The store is initialized already.",
            remedy: "Unseal it with: keyward operator unseal."
          )
        }
        return try self.makeStore(caller, request, passphrase)
      } catch {
        var record = AuditRecord(
          time: self.now(),
          caller: caller,
          operation: .operatorInit,
          resource: .system
        )
        record.rule = self.systemRule(caller, .operatorInit)
        record.fail(error)
        self.journalNow(record)
        throw error
      }
    }
    if session.withLock({ $0.state.seals.contains { $0.kind.isAutomatic } }) {
      await unsealAutomatically()
    }
    return shares
  }
}

/// The steps; on the writing thread.
extension KeywardService {
  private func makeStore(
    _ caller: Caller,
    _ request: SealRequest,
    _ passphrase: SecretBox
  ) throws(ServiceError) -> [SecretBox] {
    do {
      guard let id = StoreID(try random(16)) else {
        throw ServiceError(.internalError, "No identity could be made.")
      }
      let rootKey = try RootKey.generate()
      let keyring = try Keyring.create(store: id, at: now())
      let made = try makeSeals(request, store: id, rootKey: rootKey, passphrase: passphrase)
      let origin = "\(options.auditOrigin)/\(id)"
      let signingKey = try PrivateKey.generate(.ed25519)
      let signer = try NoteSigner(name: origin, privateKey: signingKey)
      let wrapped = try Envelope.seal(
        .aes256,
        key: try rootKey.subkey(.auditSigning).bytes,
        version: 1,
        aad: .auditSigningKey(store: id, origin: origin),
        plaintext: try signingKey.pkcs8()
      )
      var record = AuditRecord(
        time: now(),
        caller: caller,
        operation: .operatorInit,
        resource: .system
      )
      record.rule = systemRule(caller, .operatorInit)
      record.details = [
        .seal(request.seal.audit),
        .quorum(threshold: UInt64(request.threshold), total: UInt64(request.shares)),
      ]
      record.succeed()
      // One transaction: a store without the entry of its making is never there.
      try store.initialize(
        InitialContents(
          store: id,
          seals: made.records.enumerated().map {
            StoredSeal(slot: Int64($0.offset), record: $0.element.encoded)
          },
          terms: try keyring.wrappedTerms(by: rootKey),
          meta: [
            .auditOrigin: Array(origin.utf8), .auditSigningKey: wrapped,
            .auditVerifier: Array(signer.verifierKey.text.utf8),
          ],
          journal: [AuditEntry(index: 0, event: record.event()).encoded()]
        ),
        keys: try StoreKeys(rootKey)
      )
      store.lock()
      session.withLock { _ = $0.state.storeInitialized(made.records) }
      return made.shares
    } catch let error as KeyringError {
      throw ServiceError(error)
    } catch let error as CryptoError {
      throw ServiceError(error)
    } catch {
      throw ServiceError(store: error)
    }
  }

  func makeSeals(
    _ request: SealRequest,
    store: StoreID,
    rootKey: RootKey,
    passphrase: SecretBox
  ) throws(ServiceError) -> (records: [SealRecord], shares: [SecretBox]) {
    do {
      var records: [SealRecord] = []
      if request.seal != .shamir {
        records.append(try makeSecretSeal(request, store, rootKey, passphrase))
      }
      let shared = try SealRecord.createShared(
        request.seal == .shamir ? .unseal : .recovery,
        threshold: request.threshold,
        count: request.shares,
        store: store,
        rootKey: rootKey
      )
      records.append(shared.record)
      var texts: [SecretBox] = []
      for share in shared.shares { texts.append(SecretBox(try ShareText.emit(share))) }
      return (records, texts)
    } catch let error as KeyringError {
      throw ServiceError(error)
    } catch let error as CryptoError {
      throw ServiceError(error)
    } catch {
      throw ServiceError(store: error)
    }
  }

  private func makeSecretSeal(
    _ request: SealRequest,
    _ store: StoreID,
    _ rootKey: RootKey,
    _ passphrase: SecretBox
  ) throws -> SealRecord {
    switch request.seal {
    case .passphrase:
      guard passphrase.bytes.count > 0 else {
        throw ServiceError(.invalidRequest, "A passphrase seal needs a passphrase.")
      }
      return try SealRecord.create(
        .passphrase(.standard),
        store: store,
        secret: .passphrase(
          try SecretBytes(copying: passphrase.bytes, range: 0..<passphrase.bytes.trimmedLength)
        ),
        rootKey: rootKey
      )
    case .keyFile, .credential:
      guard let source = sealSource, source.matches(request.seal) else {
        throw ServiceError(
          .invalidRequest,
          "The server has no \(request.seal.rawValue) configured.",
          remedy: request.seal == .keyFile
            ? "Start it with --seal-key-file PATH, or set seal.key_file in its configuration."
            : "Start it with --seal-credential NAME under systemd's LoadCredential=."
        )
      }
      return try SealRecord.create(
        source.kind,
        store: store,
        secret: .fileContent(try source.read().get().bytes.clone()),
        rootKey: rootKey
      )
    case .shamir:
      throw ServiceError(.internalError, "A Shamir seal has no secret of its own.")
    }
  }
}
