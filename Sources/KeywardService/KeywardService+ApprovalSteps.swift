import KeywardAuthn
import KeywardCrypto
import KeywardModel
import KeywardPolicy
import KeywardStore

/// What an operation that is allowed has to do about approvals before it may act.
enum ApprovalStep: Sendable {
  /// Nothing asks for approval.
  case none
  /// The approval is there; it ends with this operation.
  case use(ApprovalRecord)
  /// There is none yet: this one is waited for, and may be known already.
  case ask(ApprovalRecord, isNew: Bool)
}

/// Quorum approvals: asked for by the request itself, bound to it, used once (docs/approvals.md).
extension KeywardService {
  /// All that asks for approval of an operation: the policy's rules, and the key's own number.
  func requirements(
    _ approvals: [ApprovalRequirement],
    _ record: AuditRecord,
    _ state: UnsealedState
  ) -> [ApprovalRequirement] {
    // What falls due was ordered before, with its approval.
    guard record.caller.principal.kind != .server,
      case .key(let name) = record.resource, record.operation.changesKey,
      let key = state.directory.key(named: name)
    else { return approvals }
    var needed: [(rule: String, count: Int)] = []
    if key.attributes.requiredApprovals > 0 {
      needed.append(("required_approvals", key.attributes.requiredApprovals))
    }
    // Without the key a cloud's copy cannot be renewed, and what it protects may be lost (failure
    // mode 12).
    if record.operation == .keyDestroy,
      state.inventory.exports(of: key.id).contains(where: \.isLive)
    {
      needed.append(("live_copies", 1))
    }
    return approvals
      + needed.map { rule, count in
        ApprovalRequirement(
          rule: rule,
          tree: ApprovalTree(
            needed: count,
            subjects: [PolicySubject(issuer: .present)],
            nested: []
          ),
          validFor: 86_400
        )
      }
  }

  /// Decides what the operation has to do about approvals; throws what is wrong with the one that the
  /// request presents.
  ///
  /// A step that uses an approval has it reserved: `finish` or `release` must follow.
  func approvalStep(
    _ approvals: [ApprovalRequirement],
    _ record: inout AuditRecord,
    _ state: UnsealedState
  ) throws(ServiceError) -> ApprovalStep {
    let requirements = requirements(approvals, record, state)
    guard !requirements.isEmpty else { return .none }
    guard let digest = record.caller.digest.flatMap({ state.access.sealed($0) }) else {
      throw ServiceError(
        .approvalRequired,
        "The operation needs approval, which a request of this kind cannot carry."
      )
    }
    guard let id = record.caller.approval else {
      let asked = try ask(requirements, digest, record, state)
      if case .ask(let pending, _) = asked { record.approval = pending.id }
      return asked
    }
    record.approval = id
    let approval = try gathered(requirements, id, digest, record, state)
    guard state.access.withApprovals({ $0.reserve(id) }) else {
      throw ServiceError(.conflict, "The approval is being used by another request.")
    }
    return .use(approval)
  }

  /// Refuses what needs approvals that are not there: asks for none and reserves none.
  func checkGathered(
    _ approvals: [ApprovalRequirement],
    _ record: AuditRecord,
    _ state: UnsealedState
  ) throws(ServiceError) {
    let requirements = requirements(approvals, record, state)
    guard !requirements.isEmpty else { return }
    guard let id = record.caller.approval,
      let digest = record.caller.digest.flatMap({ state.access.sealed($0) })
    else { throw ServiceError(.approvalRequired, "The operation needs approval.") }
    _ = try gathered(requirements, id, digest, record, state)
  }

  /// The approval that a request presents, once it has all the votes that are needed.
  private func gathered(
    _ requirements: [ApprovalRequirement],
    _ id: ApprovalID,
    _ digest: RequestDigest,
    _ record: AuditRecord,
    _ state: UnsealedState
  ) throws(ServiceError) -> ApprovalRecord {
    let approval = try presented(id, digest, record, state)
    let approvers = approval.votes.filter { vote in
      vote.isApproval && isApprover(vote.principal, from: vote.source, state, at: record.time)
    }
    let isEnough = requirements.allSatisfy {
      $0.isSatisfied(by: approvers.map(\.principal), requester: record.caller.principal)
    }
    guard isEnough else { throw .approvalPending(approval) }
    return approval
  }

  /// The approval that a request presents, if it is one of just this request and still open.
  private func presented(
    _ id: ApprovalID,
    _ digest: RequestDigest,
    _ record: AuditRecord,
    _ state: UnsealedState
  ) throws(ServiceError) -> ApprovalRecord {
    let key = key(of: record, state)
    guard let approval = state.access.withApprovals({ $0[id] }),
      approval.covers(
        record.caller,
        record.operation,
        record.resource,
        key,
        reached(by: record, state),
        digest
      )
    else {
      throw ServiceError(
        .approvalRequired,
        "The approval is not of this request.",
        remedy: "Send the request exactly as it was when approval was asked for, or ask anew "
          + "without the approval."
      )
    }
    guard approval.isOpen(at: record.time) else {
      throw ServiceError(
        .approvalRequired,
        approval.state == .used
          ? "The approval was used already."
          : approval.state == .denied
            ? "The approval was denied." : "The approval has expired.",
        remedy: "Ask anew: send the request without the approval."
      )
    }
    return approval
  }

  private func ask(
    _ requirements: [ApprovalRequirement],
    _ digest: RequestDigest,
    _ record: AuditRecord,
    _ state: UnsealedState
  ) throws(ServiceError) -> ApprovalStep {
    let (caller, now) = (record.caller, record.time)
    let key = key(of: record, state)
    let reached = reached(by: record, state)
    return try state.access.withApprovals { book throws(ServiceError) in
      if let known = book.open(
        caller,
        record.operation,
        record.resource,
        key,
        reached,
        digest,
        at: now
      ) {
        return .ask(known, isNew: false)
      }
      guard book.hasRoom(for: caller.principal, at: now) else {
        throw ServiceError(
          .tooManyRequests,
          "Too many requests for approval are open.",
          remedy: "Wait until some are decided or have expired."
        )
      }
      let pending = ApprovalRecord(
        id: try self.newIdentifier(),
        caller: caller,
        operation: record.operation,
        resource: record.resource,
        key: key,
        reached: reached,
        digest: digest,
        now: now,
        validFor: requirements.map(\.validFor).min() ?? 86_400
      )
      return .ask(pending, isNew: true)
    }
  }

  /// The key that has the name now: a name says nothing of a key that is made anew.
  private func key(of record: AuditRecord, _ state: UnsealedState) -> KeyID? {
    guard case .key(let name) = record.resource else { return nil }
    return state.directory.key(named: name)?.id
  }

  private func reached(
    by record: AuditRecord,
    _ state: UnsealedState
  ) -> [ApprovalRecord.Reached] {
    record.reached.map { other in
      ApprovalRecord.Reached(
        operation: other.operation,
        resource: other.resource.description,
        key: key(of: other, state)?.description
      )
    }
  }

  /// Takes back the votes that came with tokens that are revoked; returns what shows it.
  func removeVotes(
    of tokens: [TokenRecord],
    _ transaction: any StoreTransaction,
    _ state: UnsealedState,
    at now: Timestamp
  ) throws(ServiceError) -> @Sendable () -> Void {
    let accessors = Set(tokens.map(\.accessor.description))
    let changed = state.access.withApprovals { $0.withoutVotes(of: accessors, at: now) }
    try store {
      for (old, new) in changed { try transaction.updateRecord(new.stored, from: old.stored) }
    }
    return { state.access.withApprovals { book in for (_, new) in changed { book.put(new) } } }
  }

  /// Writes what a step does to the store, in the transaction of its operation; returns what shows it.
  func write(
    _ step: ApprovalStep,
    _ transaction: any StoreTransaction,
    _ state: UnsealedState
  ) throws(ServiceError) -> @Sendable () -> Void {
    switch step {
    case .none, .ask(_, isNew: false): return {}
    case .ask(let pending, isNew: true):
      try store { try transaction.insertRecord(pending.stored) }
      return { state.access.withApprovals { $0.put(pending) } }
    case .use(let approved):
      var used = approved
      used.use()
      let ended = used
      try store { try transaction.updateRecord(ended.stored, from: approved.stored) }
      return { state.access.withApprovals { $0.put(ended) } }
    }
  }

  /// Gives back an approval that was reserved for an operation that did not come about.
  func release(_ step: ApprovalStep, _ state: UnsealedState?) {
    guard case .use(let approval) = step else { return }
    state?.access.withApprovals { $0.release(approval.id) }
  }

  /// Whether `principal` may give approvals now: a vote of somebody who lost that right, or whose
  /// cluster, issuer or role is gone, counts no more (V21).
  func isApprover(
    _ principal: Principal,
    from source: NetworkAddress?,
    _ state: UnsealedState,
    at now: Timestamp
  ) -> Bool {
    state.access.registry.vouches(for: principal)
      && state.policy.compiled.decide(
        PolicyRequest(
          principal: principal,
          operation: .approvalApprove,
          resource: Resource.approvals,
          time: now,
          source: source
        )
      ).isAllowed
  }
}

extension ApprovalRecord {
  /// As the store keeps it.
  var stored: StoredRecord {
    StoredRecord(kind: .approval, id: id.description, body: encoded)
  }
}

extension ServiceOperation {
  /// Whether it changes a key or lets it out, which the key's own number of approvals is about.
  var changesKey: Bool {
    switch self {
    case .keyCloudExport, .keyDestroy, .keyExport, .keyImport, .keyRotate, .keyState,
      .keyUndestroy, .keyUpdate:
      true
    default: false
    }
  }
}

extension ServiceError {
  /// The operation waits for approval; the id is what the request is to be repeated with.
  static func approvalPending(_ approval: ApprovalRecord) -> ServiceError {
    ServiceError(
      .approvalRequired,
      "The operation needs approval; the request for it is \(approval.id).",
      remedy:
        "Have it approved with: keyward approval approve \(approval.id). Then repeat the same "
        + "request with --approval \(approval.id).",
      approval: approval.id
    )
  }
}

extension ApprovalStep {
  /// Whether it writes something of its own.
  var isChange: Bool {
    switch self {
    case .none, .ask(_, isNew: false): false
    case .use, .ask(_, isNew: true): true
    }
  }
}
