package import KeywardAudit
package import KeywardModel

/// What will be one audit entry, while its operation is on its way.
///
/// Begins as a failure: an operation that forgets to say how it went is not recorded as allowed.
package struct AuditRecord: Sendable {
  package var time: Timestamp
  package let caller: Caller
  package let operation: ServiceOperation
  package let resource: Resource
  package var key: KeyID?
  package var version: Int?
  package var kmsKeyID: KMSKeyID?
  package var kmsUID: String?
  package var rule: String?
  /// Whether the policy allowed it: what fails then was refused by a later check.
  package var isPermitted = false
  package var details: [AuditDetail] = []
  /// The accessor of a token that was made.
  package var token: String?
  /// The approval that was asked for, given or used.
  package var approval: ApprovalID?
  /// What the operation reaches besides its resource; it goes as the operation goes.
  package var reached: [AuditRecord] = []
  private var outcome = AuditOutcome.failed
  private var reason = ErrorCode.internalError.rawValue

  package init(
    time: Timestamp,
    caller: Caller,
    operation: ServiceOperation,
    resource: Resource
  ) {
    self.time = time
    self.caller = caller
    self.operation = operation
    self.resource = resource
  }

  /// It was allowed and done.
  package mutating func succeed() {
    outcome = .allowed
    reason = "ok"
    for index in reached.indices { reached[index].succeed() }
  }

  /// It ended with `error`; policy, state and limits refuse, everything else fails.
  package mutating func fail(_ error: ServiceError) {
    // What was refused itself stays as it is.
    for index in reached.indices where reached[index].isPermitted { reached[index].fail(error) }
    reason = error.reason ?? error.code.rawValue
    // A later check, such as the one for escalation, refuses with the code that policy has too: the rule
    // says which of the two it was.
    if isPermitted, error.code == .forbidden, let allowed = rule {
      rule = AuditedRequest.Later.prefix + allowed
      isPermitted = false
    }
    switch error.code {
    case .internalError, .auditUnavailable, .destinationFailed, .storageFull, .tampered,
      .unavailable:
      outcome = .failed
    default: outcome = .refused
    }
  }

  /// It was allowed, but not done: something else of the same request was refused.
  package mutating func withhold() {
    outcome = .refused
    reason = "withheld"
  }

  /// Says which key and version were used.
  package mutating func used(_ key: Key, _ version: KeyVersion?) {
    self.key = key.id
    self.version = version?.number
    kmsKeyID = caller.transport == .kms ? version?.kmsKeyID : nil
  }

  /// The records of what was reached, then the operation's own, each for an entry.
  package var entries: [AuditRecord] {
    var own = self
    own.reached = []
    return reached.map { other in
      var other = other
      other.approval = approval
      return other
    } + [own]
  }

  /// The events of the log: of what was reached, then the operation's own.
  package func events() -> [AuditEvent] { entries.map { $0.event() } }

  /// The event in the form of the log, without what was reached.
  package func event() -> AuditEvent {
    let hash = kmsKeyID.map { KeyIDHash(keyID: $0.description) }
    return AuditEvent(
      time: UInt64(clamping: time.milliseconds),
      request: caller.requestID,
      principal: AuditPrincipal(caller.principal),
      source: source,
      address: caller.source?.description,
      token: token ?? caller.accessor,
      approval: approval?.description,
      operation: operation.rawValue,
      resource: resource.description,
      key: key.map {
        AuditKey(id: $0.description, version: version.map { UInt64(clamping: $0) }, hash: hash)
      },
      kmsUID: kmsUID,
      outcome: outcome,
      reason: reason,
      rule: rule,
      details: details
    )
  }

  private var source: AuditSource {
    switch caller.transport {
    case .admin: .admin
    case .https: .https
    case .kms: .kms
    case .server: .server
    }
  }
}
