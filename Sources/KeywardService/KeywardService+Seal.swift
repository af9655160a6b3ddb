import KeywardAudit
package import KeywardCrypto
import KeywardKeyring
package import KeywardModel
import KeywardPolicy
package import KeywardStore
import Logging
import Synchronization

/// The seal: init, unseal, seal, rekey, rotate (docs/key-hierarchy.md).
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

  /// The state of the seal: public, from memory.
  package func sealStatus() -> SealStatus {
    let (state, open, reason) = session.withLock { ($0.state, $0.open, $0.reason) }
    let primary = state.seals.first?.kind
    var status = SealStatus(
      initialized: state.phase != .uninitialized,
      sealed: state.phase != .unsealed,
      version: options.version,
      startedAt: startedAt.rfc3339
    )
    status.seal = primary.map { $0.name == "systemd-credential" ? "credential" : $0.name }
    let shares = state.seals.compactMap { $0.kind.shareSet }.first
    status.shares = shares.map { Int($0.count) }
    status.threshold = shares.map { Int($0.threshold) }
    if case .unsealing(let progress) = state.phase { status.progress = progress.held }
    status.reason = reason
    status.storeID = state.seals.first?.store.description
    status.auditWritable = !committer.isBroken
    status.dev = options.isDevelopment
    if clockWatch.isSetBack {
      status.reason = "The clock was set back; what is due by time waits until it has caught up."
    }
    guard let open, state.phase == .unsealed else { return status }
    status.keyringTerm = (try? open.keyring()).map { UInt64($0.currentTerm) }
    status.keys = open.directory.count
    status.auditSize = committer.logSize
    status.rewrapPending = rewrapPending(open)
    return status
  }

  /// Whether requests can be served, and why not.
  package func readiness() -> (isReady: Bool, reason: String) {
    let phase = session.withLock { $0.state.phase }
    switch phase {
    case .unsealed: return committer.isBroken ? (false, "audit log not writable") : (true, "ok")
    case .uninitialized: return (false, "not initialized")
    default: return (false, "sealed")
    }
  }

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
        record.rule = self.policy.decide(caller.principal, .operatorInit, .system).rule
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

  /// Takes one or more shares, one a line, or a passphrase.
  package func unseal(
    _ caller: Caller,
    input: SecretBox,
    accepting: Set<Acceptance>
  ) async throws(ServiceError) -> SealStatus {
    // Over HTTPS it is the share itself that entitles: a sealed server knows no policy and no token.
    let isShareHolder = caller.principal.kind == .anonymous && caller.transport == .https
    if !isShareHolder { try await checkOfficer(caller, .operatorUnseal) }
    try await onWritingThread { () throws(ServiceError) in
      var record = AuditRecord(
        time: self.now(),
        caller: caller,
        operation: .operatorUnseal,
        resource: .system
      )
      record.rule =
        isShareHolder
        ? "share-holder" : self.policy.decide(caller.principal, .operatorUnseal, .system).rule
      do throws(ServiceError) {
        if let rootKey = try self.offer(input, accepting: accepting, &record) {
          try self.open(rootKey, accepting: accepting, record)
        } else {
          record.succeed()
          self.journalNow(record)
        }
      } catch {
        record.fail(error)
        self.journalNow(record)
        throw error
      }
    }
    return sealStatus()
  }

  /// Drops every key from memory.
  ///
  /// Its audit entry is the last of the log until the next unsealing.
  package func seal(_ caller: Caller) async throws(ServiceError) -> SealStatus {
    try await checkOfficer(caller, .operatorSeal)
    try await onWritingThread { () throws(ServiceError) in try self.close(caller, .operatorSeal) }
    return sealStatus()
  }

  /// Seals at the end of the process, with a last checkpoint.
  ///
  /// Never fails.
  package func stop() async {
    let caller = Caller(principal: .server, transport: .server, requestID: "stop")
    try? await onWritingThread { () throws(ServiceError) in try self.close(caller, .serverStop) }
  }
}

/// The steps; on the writing thread.
extension KeywardService {
  /// The operations of the seal that run while no log is open ask the policy here.
  private func checkOfficer(
    _ caller: Caller,
    _ operation: ServiceOperation
  ) async throws(ServiceError) {
    let decision = policy.decide(caller.principal, operation, .system)
    guard decision.isAllowed else {
      var record = AuditRecord(
        time: now(),
        caller: caller,
        operation: operation,
        resource: .system
      )
      record.rule = decision.rule
      record.fail(.forbidden)
      try await refuse(record)
      throw .forbidden
    }
  }

  /// Makes a refusal durable in the log if it is open; else it goes to the journal.
  private func refuse(_ record: AuditRecord) async throws(ServiceError) {
    guard committer.logSize != nil else { return journal(record) }
    _ = try await awaiting { (reply: @escaping @Sendable (Result<Bool, ServiceError>) -> Void) in
      self.committer.submit(record) { durable in reply(durable.map { true }) }
    }
  }

  func sealRecords() throws(ServiceError) -> [(slot: Int64, record: SealRecord)] {
    do {
      return try store.seals().map { ($0.slot, try SealRecord(decoding: $0.record)) }
    } catch let error as KeyringError {
      throw ServiceError(error)
    } catch {
      throw ServiceError(store: error)
    }
  }

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
          ]
        ),
        keys: try StoreKeys(rootKey)
      )
      store.lock()
      session.withLock { _ = $0.state.storeInitialized(made.records) }
      var record = AuditRecord(
        time: now(),
        caller: caller,
        operation: .operatorInit,
        resource: .system
      )
      record.rule = policy.decide(caller.principal, .operatorInit, .system).rule
      record.details = [
        .seal(request.seal.audit),
        .quorum(threshold: UInt64(request.threshold), total: UInt64(request.shares)),
      ]
      record.succeed()
      journalNow(record)
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

  private func unsealAutomatically() async {
    let caller = Caller(principal: .server, transport: .server, requestID: "start")
    try? await onWritingThread { () throws(ServiceError) in
      var record = AuditRecord(
        time: self.now(),
        caller: caller,
        operation: .operatorUnseal,
        resource: .system
      )
      record.rule = self.policy.decide(caller.principal, .operatorUnseal, .system).rule
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
      record.rule = policy.decide(record.caller.principal, record.operation, .system).rule
      if !loaded.findings.isEmpty { record.details.append(.count(UInt64(loaded.findings.count))) }
      record.succeed()
      for finding in loaded.findings {
        logger.error("A row does not verify and is left out", metadata: ["row": "\(finding)"])
      }
      flushJournal()
      let unkept = waitingJournal.withLock { $0.dropped }
      try committer.commitNow(log, durability: .change, signing: true) { transaction, log in
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
        cacheCapacity: options.materialCacheCapacity
      )
      session.withLock {
        _ = $0.state.storeOpened()
        $0.open = state
        $0.reason = nil
      }
      // A destruction whose scrub was cut short by a crash leaves its envelope in the log.
      scrubSoon(of: [])
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

  private func close(_ caller: Caller, _ operation: ServiceOperation) throws(ServiceError) {
    switch session.withLock({ $0.state.sealRequested() }) {
    case .alreadySealed, .alreadySealing: return
    case .refusedWhileOpening:
      throw ServiceError(.conflict, "The server is being unsealed.", remedy: "Try again.")
    case .drainThenWipe: break
    }
    // This runs on the writing thread, so every change and entry before it is done.
    if let log = committer.currentLog() {
      var record = AuditRecord(
        time: now(),
        caller: caller,
        operation: operation,
        resource: .system
      )
      record.rule = policy.decide(caller.principal, operation, .system).rule
      record.succeed()
      do {
        try committer.commitNow(log, durability: .change, signing: true) { _, log in
          log.append(record.event(), at: record.time)
        }
      } catch {
        // Sealing must work even if the disk does not: better sealed and unsaid than open.
        logger.error("The entry of sealing could not be written", metadata: ["error": "\(error)"])
      }
    }
    committer.setLog(nil)
    store.lock()
    let state = session.withLock { session in
      defer { session.open = nil }
      return session.open
    }
    state?.wipe()
    SecureMemory.forgetKeySchedules()
    session.withLock { _ = $0.state.requestsDrained() }
  }

  func journalNow(_ record: AuditRecord) {
    do {
      if let log = committer.currentLog() {
        try committer.commitNow(log, durability: .auditOnly, signing: false) { _, log in
          log.append(record.event(), at: record.time)
        }
      } else if try store.identity != nil {
        try store.appendJournal([AuditEntry(index: 0, event: record.event()).encoded()])
      }
    } catch {
      committer.stopIfFatal(error)
      logger.error("An audit entry could not be written", metadata: ["error": "\(error)"])
    }
  }

  /// Runs `body` between two commits and waits for it.
  func onWritingThread<R: Sendable>(
    _ body: @escaping @Sendable () throws(ServiceError) -> R
  ) async throws(ServiceError) -> R {
    try await awaiting { reply in
      self.committer.exclusively {
        reply(Result { () throws(ServiceError) in try body() })
      }
    }
  }
}
