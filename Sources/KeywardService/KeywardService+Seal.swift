import KeywardAudit
import KeywardCrypto
import KeywardKeyring
package import KeywardModel
import KeywardPolicy
import KeywardStore
import Logging
import Synchronization

/// The seal: its state, sealing, and what init and unseal share (docs/key-hierarchy.md).
extension KeywardService {
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
    // Each init and each rekey makes one set of shares, of the seal or for recovery.
    status.rekeyPending = state.seals.count { $0.kind.shareSet != nil } > 1
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
    await finishScrubbing()
  }
}

/// The steps; on the writing thread.
extension KeywardService {
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
      record.rule = systemRule(caller, operation)
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

  /// What the policy says of an operation on the server as a whole.
  func systemDecision(_ caller: Caller, _ operation: ServiceOperation) -> Decision {
    policy.decide(PolicyRequest(caller, operation, .system, time: now()))
  }

  /// The rule of that decision, for entries that no `answer` or `change` writes.
  func systemRule(_ caller: Caller, _ operation: ServiceOperation) -> String {
    systemDecision(caller, operation).rule
  }

  /// The operations of the seal that run while no log is open ask the policy here.
  func checkOfficer(
    _ caller: Caller,
    _ operation: ServiceOperation
  ) async throws(ServiceError) {
    let decision = systemDecision(caller, operation)
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
    guard !decision.approvals.isEmpty, committer.logSize != nil else { return }
    // An open server knows of approvals: this one is used by an entry of its own.
    _ = try await awaiting { (reply: @escaping @Sendable (Result<Bool, ServiceError>) -> Void) in
      self.answer(caller, operation, .system, reply: reply) { _, _, _ in true }
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

  /// Writes an entry outside of `answer` and `change`: into the log if it is open, else into the
  /// journal; before `init` there is no store to tell.
  func journalDurably(_ record: AuditRecord) throws(ServiceError) {
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
      throw ServiceError(store: error)
    }
  }

  /// The same for what is refused with or without its entry.
  func journalNow(_ record: AuditRecord) {
    try? journalDurably(record)
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
