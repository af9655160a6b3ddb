package import KeywardModel
import KeywardPolicy
import KeywardStore

/// Looking at requests for approval, and deciding them.
extension KeywardService {
  /// The requests for approval, newest first; without the right to see all, the caller's own.
  package func listApprovals(
    _ caller: Caller,
    limit: Int,
    cursor: String?
  ) async throws(ServiceError) -> ApprovalPage {
    try await awaiting { reply in
      self.answer(caller, .approvalList, .approvals, reply: reply) {
        _,
        state,
        record throws(ServiceError) in
        let all = state.access.withApprovals { Array($0.records.values) }
          .sorted { ($0.createdAt, $0.id.description) > ($1.createdAt, $1.id.description) }
        let start = cursor.flatMap { cursor in
          all.firstIndex { $0.id.description == cursor }.map { $0 + 1 }
        }
        let page = all[(start ?? 0)...].prefix(limit)
        let isLast = (start ?? 0) + page.count >= all.count
        return ApprovalPage(
          approvals: page.map { self.info($0, state, at: record.time) },
          nextCursor: isLast ? nil : page.last?.id.description
        )
      }
    }
  }

  /// One request for approval.
  package func showApproval(
    _ caller: Caller,
    _ id: ApprovalID
  ) async throws(ServiceError) -> ApprovalInfo {
    try await awaiting { reply in
      self.answer(caller, .approvalShow, .approvals, reply: reply) {
        _,
        state,
        record throws(ServiceError) in
        record.approval = id
        return self.info(try self.approval(id, state), state, at: record.time)
      }
    }
  }

  /// Approves or denies; only somebody whom a requirement names, and never the requester.
  package func vote(
    _ caller: Caller,
    _ id: ApprovalID,
    isApproval: Bool
  ) async throws(ServiceError) -> ApprovalInfo {
    let operation: ServiceOperation = isApproval ? .approvalApprove : .approvalDeny
    return try await awaiting { reply in
      self.change(caller, operation, .approvals, reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        record.approval = id
        let old = try self.approval(id, state)
        guard !old.requester.isSameIdentity(as: caller.principal) else {
          throw ServiceError(
            .forbidden,
            "Nobody decides on their own request.",
            remedy: "Ask somebody else whom the approval rule names."
          )
        }
        let asked = self.requirements(of: old, state, at: record.time)
        guard asked.contains(where: { $0.mayApprove(caller.principal) }) else {
          throw ServiceError(
            .forbidden,
            "The request does not ask for your approval.",
            remedy: "Look at what it asks for with: keyward approval show \(id)."
          )
        }
        var new = old
        try new.vote(
          caller.principal,
          from: caller.source,
          accessor: caller.accessor,
          isApproval: isApproval,
          at: record.time
        )
        let decided = new
        try self.store { try transaction.updateRecord(decided.stored, from: old.stored) }
        return Change(self.info(decided, state, at: record.time)) {
          state.access.withApprovals { $0.put(decided) }
        }
      }
    }
  }

  private func approval(
    _ id: ApprovalID,
    _ state: UnsealedState
  ) throws(ServiceError) -> ApprovalRecord {
    guard let approval = state.access.withApprovals({ $0[id] }) else {
      throw ServiceError(
        .notFound,
        "There is no such request for approval.",
        remedy: "List them with: keyward approval list."
      )
    }
    return approval
  }

  /// What the policy asks of the request now.
  private func requirements(
    of approval: ApprovalRecord,
    _ state: UnsealedState,
    at now: Timestamp
  ) -> [ApprovalRequirement] {
    guard let resource = approval.parsedResource else { return [] }
    let decision = state.policy.compiled.decide(
      PolicyRequest(
        principal: approval.requester,
        operation: approval.operation,
        resource: resource,
        time: now,
        source: approval.source
      ),
      reaching: state.secrets.source(of: resource, for: approval.operation)
    )
    var approvals = decision.approvals
    for reached in approval.reached {
      guard let other = Resource(path: reached.resource) else { continue }
      approvals +=
        state.policy.compiled.decide(
          PolicyRequest(
            principal: approval.requester,
            operation: reached.operation,
            resource: other,
            time: now,
            source: approval.source
          )
        ).approvals
    }
    let caller = Caller(
      principal: approval.requester,
      transport: .server,
      requestID: approval.id.description
    )
    let record = AuditRecord(
      time: now,
      caller: caller,
      operation: approval.operation,
      resource: resource
    )
    return requirements(approvals, record, state)
  }

  private func info(
    _ approval: ApprovalRecord,
    _ state: UnsealedState,
    at now: Timestamp
  ) -> ApprovalInfo {
    let asked = requirements(of: approval, state, at: now)
    let approvers = approval.votes.filter {
      $0.isApproval && isApprover($0.principal, from: $0.source, state, at: now)
    }.map(\.principal)
    let isApproved = asked.allSatisfy {
      $0.isSatisfied(by: approvers, requester: approval.requester)
    }
    let word =
      switch approval.state {
      case .pending where now >= approval.expiresAt: "expired"
      case .pending where isApproved: "approved"
      default: approval.state.rawValue
      }
    return ApprovalInfo(
      id: approval.id.description,
      state: word,
      requester: PrincipalInfo(approval.requester),
      operation: approval.operation.rawValue,
      resource: approval.resource,
      reached: approval.reached.map {
        ApprovalInfo.Reached(operation: $0.operation.rawValue, resource: $0.resource)
      },
      request: approval.summary,
      requestDigest: approval.digest.description,
      createdAt: approval.createdAt.rfc3339,
      expiresAt: approval.expiresAt.rfc3339,
      votes: approval.votes.map {
        ApprovalInfo.Vote(
          principal: PrincipalInfo($0.principal),
          decision: $0.isApproval ? "approve" : "deny",
          at: $0.at.rfc3339
        )
      },
      requirements: asked.map(\.words)
    )
  }
}
