import KeywardAudit
package import KeywardCrypto
import KeywardKeyring
package import KeywardModel
package import KeywardStore
import Logging
import Synchronization

/// Unsealing: by itself at the start, by shares or by a passphrase.
extension KeywardService {
  /// Reads the seals of the store, and opens an automatic one if its secret is at hand.
  ///
  /// To be called once, before any transport listens for more than probes. A seal that does not
  /// open leaves the server sealed with a reason; it is not an error of the start.
  package func start() async throws(ServiceError) {
    let records = try await onWritingThread { () throws(ServiceError) in
      try self.sealRecords().map(\.record)
    }
    session.withLock { $0.state = SealState(seals: records) }
    if !records.isEmpty { await unsealAutomatically() }
  }

  /// Takes one or more shares, one a line, or a passphrase.
  package func unseal(
    _ caller: Caller,
    input: SecretBox,
    accepting: Set<Acceptance>
  ) async throws(ServiceError) -> SealStatus {
    // Over HTTPS it is the share itself that entitles: a sealed server knows no policy and no token.
    let isShareHolder = caller.principal.kind == .anonymous && caller.transport == .https
    if isShareHolder {
      try boundAnonymousUnseal()
    } else {
      try await checkOfficer(caller, .operatorUnseal)
    }
    try await onWritingThread { () throws(ServiceError) in
      var record = AuditRecord(
        time: self.now(),
        caller: caller,
        operation: .operatorUnseal,
        resource: .system
      )
      record.rule =
        isShareHolder
        ? "share-holder" : self.systemRule(caller, .operatorUnseal)
      let before = self.session.withLock { $0.state }
      var refusal: ServiceError?
      do throws(ServiceError) {
        if let rootKey = try self.offer(input, accepting: accepting, &record) {
          return try self.open(rootKey, accepting: accepting, record)
        }
        record.succeed()
      } catch {
        record.fail(error)
        refusal = error
      }
      do throws(ServiceError) {
        try self.journalDurably(record)
      } catch {
        // A share counts only with the entry that says so.
        self.session.withLock { session in
          if case .unsealing = session.state.phase { session.state = before }
        }
        throw refusal ?? error
      }
      if let refusal { throw refusal }
    }
    return sealStatus()
  }
}

/// The steps; on the writing thread.
extension KeywardService {
  /// Answers a stranger's unsealing of an open server from memory once the log has had its share: each
  /// entry is a commit, and nothing else comes of it.
  private func boundAnonymousUnseal() throws(ServiceError) {
    guard let state = try? unsealed() else { return }
    guard state.access.anonymous.withLock({ $0.take(at: now()) }).isTaken else {
      throw ServiceError(.conflict, "The server is unsealed already.")
    }
  }

  /// Offers what an operator typed to the seal; the root key once it opens.
  private func offer(
    _ input: SecretBox,
    accepting: Set<Acceptance>,
    _ record: inout AuditRecord
  ) throws(ServiceError) -> RootKey? {
    let (seals, phase) = session.withLock { ($0.state.seals, $0.state.phase) }
    if phase == .uninitialized { throw .notInitialized }
    if phase == .unsealed {
      throw ServiceError(.conflict, "The server is unsealed already.")
    }
    let text = input.bytes.trimmedLength
    // An empty body asks to try the automatic seal again: the key file was put back, or a rollback
    // is accepted.
    if text == 0 {
      guard let rootKey = try offerAutomatic() else {
        throw ServiceError(
          .wrongShare,
          "This seal does not open by itself.",
          remedy: "Give shares or the passphrase."
        )
      }
      return rootKey
    }
    let passphrases = seals.filter(\.isPassphrase)
    if !input.bytes.looksLikeShares, !passphrases.isEmpty {
      do {
        let secret = SealSecret.passphrase(
          try SecretBytes(copying: input.bytes, range: 0..<text)
        )
        return try first(passphrases, opening: secret)
      } catch let error as CryptoError {
        throw ServiceError(error)
      } catch let error as ServiceError {
        throw error
      } catch {
        throw ServiceError(.internalError, "The passphrase could not be tried.")
      }
    }
    var rootKey: RootKey?
    let lines = try input.bytes.lines()
    guard !lines.isEmpty else {
      throw ServiceError(.wrongShare, "This is neither a share nor a passphrase.")
    }
    for line in lines {
      guard rootKey == nil else { break }
      let share: Share
      do { share = try ShareText.parse(line.bytes) } catch { throw ServiceError(error) }
      if record.details.count < 4 { record.details.append(.share(index: UInt64(share.index))) }
      rootKey = try resolve(offering { $0.shareOffered(share) })
    }
    return rootKey
  }

  /// Steps the seal's state machine outside the lock: scrypt takes half a second, and a Status must
  /// not wait for it.
  ///
  /// Only the writing thread steps it, so nothing gets lost in between.
  private func offering(_ step: (inout SealState) -> SealState.OnSecret) -> SealState.OnSecret {
    var state = session.withLock { $0.state }
    let outcome = step(&state)
    session.withLock { $0.state = state }
    return outcome
  }

  private func resolve(_ outcome: SealState.OnSecret) throws(ServiceError) -> RootKey? {
    switch outcome {
    case .collected: return nil
    case .openStore(let rootKey): return rootKey
    case .refused(let error): throw ServiceError(error)
    }
  }

  /// Offers a secret to each seal that could take it: after an unconfirmed rekey there are two.
  private func first(
    _ records: [SealRecord],
    opening secret: borrowing SealSecret
  ) throws(ServiceError) -> RootKey? {
    var refusal: ServiceError?
    for record in records {
      do {
        return try resolve(offering { $0.secretOffered(secret, for: record) })
      } catch {
        refusal = error
      }
    }
    if let refusal { throw refusal }
    return nil
  }

  private func offerAutomatic() throws(ServiceError) -> RootKey? {
    guard let source = sealSource else { return nil }
    let seals = session.withLock { $0.state.seals }
    let own = seals.filter { $0.kind == source.kind }
    guard !own.isEmpty else { return nil }
    do {
      let secret = SealSecret.fileContent(try source.read().get().bytes.clone())
      return try first(own, opening: secret)
    } catch let error as CryptoError {
      throw ServiceError(error)
    } catch let error as ServiceError {
      throw error
    } catch {
      throw ServiceError(.internalError, "The automatic seal could not be tried.")
    }
  }

  func unsealAutomatically() async {
    let caller = Caller(principal: .server, transport: .server, requestID: "start")
    try? await onWritingThread { () throws(ServiceError) in
      var record = AuditRecord(
        time: self.now(),
        caller: caller,
        operation: .operatorUnseal,
        resource: .system
      )
      record.rule = self.systemRule(caller, .operatorUnseal)
      do throws(ServiceError) {
        guard let rootKey = try self.offerAutomatic() else {
          if let source = self.sealSource {
            let seals = self.session.withLock { $0.state.seals.map(\.kind.name) }
            self.session.withLock {
              $0.reason =
                "The store has no seal of the kind that is configured (\(source.kind.name)); it "
                + "has: \(seals.joined(separator: ", "))."
            }
          }
          return
        }
        try self.open(rootKey, accepting: [], record)
      } catch {
        record.fail(error)
        self.journalNow(record)
        self.session.withLock { $0.reason = error.message }
        self.logger.error(
          "The automatic seal did not open",
          metadata: ["error": "\(error.description)"]
        )
      }
    }
  }

  /// Opens the store under `rootKey`: verify every row, bring the journal in, write the entry.
  private func open(
    _ rootKey: RootKey,
    accepting: Set<Acceptance>,
    _ unsealing: AuditRecord
  ) throws(ServiceError) {
    do {
      var unsealing = unsealing
      let loaded = try unlock(try StoreKeys(rootKey), accepting, &unsealing)
      let keyring = try Keyring.open(loaded.terms, store: loaded.store, rootKey: rootKey)
      // An older database may know tokens that were revoked since: nobody comes in by it.
      let revived =
        loaded.accepted.contains(.rollback) ? loaded.records.filter(\.kind.endsWithRestore) : []
      let holding = loaded.records.filter { !revived.contains($0) }
      let access = try AccessState(holding, rootKey: rootKey, now: now())
      let importKeys = try ImportKeyBook(holding)
      let inventory = try Inventory(loaded.records)
      // What was prepared in a database that is older than it seems may have been used up since.
      let voided =
        loaded.accepted.contains(.rollback)
        ? inventory.exports.filter { $0.state == .prepared } : []
      let archive = PolicyArchive(loaded.records)
      let policy = try newestPolicy(archive)
      let signer = try auditSigner(loaded, rootKey)
      let frontier =
        try loaded.frontier.isEmpty
        ? Frontier() : Frontier(decoding: loaded.frontier)
      let last = try store.read { try LogEnd.time($0, frontier: frontier) }
      if let last { clockWatch.remember(last) }
      let log = LogPosition(
        frontier: frontier,
        signer: signer,
        checkpointInterval: options.checkpointInterval,
        checkpointSize: try store.read { try LogEnd.signedSize($0, frontier, by: signer) },
        at: now()
      )
      var record = unsealing
      // The log may know a later time than the clock that the record was begun with.
      record.time = now()
      record.rule = systemRule(record.caller, record.operation)
      if !loaded.findings.isEmpty { record.details.append(.count(UInt64(loaded.findings.count))) }
      record.succeed()
      for finding in loaded.findings {
        logger.error("A row does not verify and is left out", metadata: ["row": "\(finding)"])
      }
      flushJournal()
      let unkept = waitingJournal.withLock { $0.dropped }
      try committer.commitNow(log, durability: .change, signing: true) { transaction, log in
        for record in revived { try transaction.deleteRecord(record) }
        for old in voided {
          var export = old
          try export.fail(.rolledBack)
          try transaction.updateRecord(export.stored, from: old.stored)
          inventory.put(export)
        }
        let journal = try transaction.drainJournal()
        let (events, unfit) = JournalFilter.events(
          journal.entries,
          between: last ?? record.time,
          and: record.time
        )
        for event in events { log.append(event, at: record.time) }
        let dropped = UInt64(clamping: journal.dropped) &+ unkept &+ unfit
        if dropped > 0 { record.details.append(.dropped(dropped)) }
        log.append(record.event(), at: record.time)
      }
      waitingJournal.withLock { $0.dropped -= min($0.dropped, unkept) }
      let state = UnsealedState(
        store: loaded.store,
        rootKey: rootKey,
        keyring: keyring,
        keys: loaded.keys,
        access: access,
        secrets: try SecretBook(loaded.records, term: keyring.currentTerm),
        inventory: inventory,
        importKeys: importKeys,
        policy: policy,
        archive: archive,
        cacheCapacity: options.materialCacheCapacity
      )
      session.withLock {
        _ = $0.state.storeOpened()
        $0.open = state
        $0.reason = nil
      }
      // A destruction whose scrub was cut short by a crash leaves its envelope in the files.
      scrubber.scrubSoon()
    } catch {
      committer.setLog(nil)
      store.lock()
      session.withLock { _ = $0.state.storeRefused() }
      SecureMemory.forgetKeySchedules()
      if let error = error as? KeyringError { throw ServiceError(error) }
      if let error = error as? AuditError {
        logger.error("The audit log does not open", metadata: ["error": "\(error)"])
        throw ServiceError(
          .tampered,
          "The end of the audit log does not verify.",
          remedy: "Run keyward fsck, then restore from a backup."
        )
      }
      throw ServiceError(store: error)
    }
  }

  /// Unlocks the store; what an operator had to accept goes into the entry.
  private func unlock(
    _ keys: StoreKeys,
    _ accepting: Set<Acceptance>,
    _ record: inout AuditRecord
  ) throws -> LoadedState {
    do {
      return try store.unlock(keys, accepting: [])
    } catch StoreError.rollbackDetected(let database, let anchor)
      where accepting.contains(.rollback)
    {
      record.details.insert(.counters(anchor: anchor ?? 0, database: database), at: 0)
      logger.warning(
        "An older database is accepted",
        metadata: ["database": "\(database)", "anchor": "\(anchor.map(String.init) ?? "missing")"]
      )
      return try store.unlock(keys, accepting: accepting)
    }
  }

  private func auditSigner(_ loaded: LoadedState, _ rootKey: RootKey) throws -> NoteSigner {
    guard let wrapped = loaded.meta[.auditSigningKey], let name = loaded.meta[.auditOrigin],
      let origin = String(validating: name, as: UTF8.self)
    else { throw AuditError.malformedKey("the store holds no audit signing key") }
    let bytes = try Envelope.open(
      expecting: .aes256,
      key: try rootKey.subkey(.auditSigning).bytes,
      aad: .auditSigningKey(store: loaded.store, origin: origin),
      wrapped
    )
    return try NoteSigner(name: origin, privateKey: try PrivateKey(pkcs8: bytes))
  }
}
