import KeywardAudit
import KeywardAuthn
package import KeywardModel
import KeywardPolicy
import KeywardStore
import Logging

/// The policy: read, apply, ask (docs/policy.md).
extension KeywardService {
  /// A revision with its documents; the newest without a number.
  package func policyText(
    _ caller: Caller,
    revision number: UInt64?
  ) async throws(ServiceError) -> PolicyText {
    let revision = try await policyRevision(caller, number)
    return PolicyText(
      revision: revision.info,
      documents: revision.set.documents.map {
        PolicyText.Document(kind: $0.kind.rawValue, name: $0.name, text: $0.canonicalText)
      },
      officerUIDs: sealedPolicy.officerUIDs.sorted()
    )
  }

  /// The revisions that are kept, newest first.
  package func policyRevisions(
    _ caller: Caller
  ) async throws(ServiceError) -> PolicyRevisionList {
    try await awaiting { reply in
      self.answer(caller, .policyRead, .policy, reply: reply) { _, state, _ in
        PolicyRevisionList(revisions: state.policyArchive.infos)
      }
    }
  }

  private func policyRevision(
    _ caller: Caller,
    _ number: UInt64?
  ) async throws(ServiceError) -> PolicyRevision {
    try await awaiting { reply in
      self.answer(caller, .policyRead, .policy, reply: reply) {
        _,
        state,
        _ throws(ServiceError) in
        guard let number, number != state.policy.number else { return state.policy }
        guard let stored = state.policyArchive[number] else {
          throw ServiceError(
            .notFound,
            "There is no revision \(number) of the policy.",
            remedy: "List them with: keyward policy list --revisions."
          )
        }
        return try self.read(stored)
      }
    }
  }

  /// Applies files of documents as one change: all of them, or none.
  ///
  /// The plan is made outside of the writing thread; a revision that came in between refuses the
  /// change, so that what was shown is what is done.
  package func applyPolicy(
    _ caller: Caller,
    _ request: PolicyApplyRequest
  ) async throws(ServiceError) -> PolicyPlan {
    let operation: ServiceOperation = request.dryRun == true ? .policyRead : .policyApply
    let planned = await prepared(caller, operation, .policy, on: drawingBoard) {
      () throws(ServiceError) in
      let state = try self.unsealed()
      let base = state.policy
      if let expected = request.expectedRevision, expected != base.number {
        throw ServiceError(
          .conflict,
          "The policy is at revision \(base.number), not \(expected).",
          remedy: "Look at what changed, then apply again."
        )
      }
      return try PolicyPlanner(
        base: base,
        registry: state.access.registry,
        writer: caller.principal,
        source: caller.source,
        now: self.now()
      ).plan(request)
    }
    if request.dryRun == true {
      return try await awaiting { reply in
        self.answer(caller, .policyRead, .policy, reply: reply) {
          _,
          _,
          _ throws(ServiceError) in try planned.get().plan(revision: nil)
        }
      }
    }
    return try await awaiting { reply in
      self.change(caller, .policyApply, .policy, reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let planned = try planned.get()
        try planned.check()
        guard state.policy.number == planned.base.number else {
          throw ServiceError(
            .conflict,
            "Another revision of the policy came in between.",
            remedy: "Plan again, then apply."
          )
        }
        guard planned.hasChanges else { return Change(planned.plan(revision: nil)) {} }
        let (revision, show) = try self.revise(
          planned.compiled,
          changes: planned.changes.count,
          transaction,
          state,
          &record
        )
        return Change(planned.plan(revision: revision.number), apply: show)
      }
    }
  }

  /// Writes the next revision of the policy, and notes it in the entry; returns what shows it.
  func revise(
    _ compiled: CompiledPolicy,
    changes: Int,
    _ transaction: any StoreTransaction,
    _ state: UnsealedState,
    _ record: inout AuditRecord
  ) throws(ServiceError) -> (revision: PolicyRevision, show: @Sendable () -> Void) {
    let principal = record.caller.principal
    let revision = PolicyRevision(
      number: state.policy.number + 1,
      createdAt: record.time,
      author: "\(principal.issuer)/\(principal.name)",
      compiled: compiled
    )
    record.details.append(.versions(from: state.policy.number, to: revision.number))
    record.details.append(.count(UInt64(changes)))
    let stored = revision.stored
    let gone = state.policyArchive.displaced(by: stored)
    try store {
      try transaction.insertRecord(stored)
      for old in gone { try transaction.deleteRecord(old) }
    }
    return (revision, { state.replacePolicy(revision, stored: stored) })
  }

  /// Whether the caller, or with the right to ask somebody else, may do something; with `explaining`,
  /// why.
  ///
  /// Of a secret that is inherited it is asked as a read of it is: of both environments. Only an answer
  /// about who is allowed in the first tells that there is a second.
  package func decide(
    _ caller: Caller,
    _ request: DecisionRequest,
    explaining: Bool,
    reply: @escaping Reply<DecisionAnswer>
  ) {
    let question: PolicyRequest
    do throws(ServiceError) {
      question = try self.question(caller, request)
    } catch {
      return reply(.failure(error))
    }
    let isOwn = request.principal == nil
    let (operation, resource): (ServiceOperation, Resource) =
      isOwn ? (.selfRead, .own) : (.policyExplain, .policy)
    answer(caller, operation, resource, reply: reply) { _, state, _ in
      let policy = state.policy.compiled
      let secret =
        question.resource.segments.first == "secrets" ? Resource(path: request.resource) : nil
      let source = secret.flatMap { state.secrets.source(of: $0, for: question.operation) }
      let decision = policy.decide(question, reaching: source)
      let tellsSource = decision.isAllowed || policy.isAllowed(question)
      return DecisionAnswer(
        allowed: decision.isAllowed,
        rule: decision.rule,
        approvals: decision.approvals.map(\.words),
        inheritedFrom: tellsSource ? source?.description : nil,
        // Bindings that do not mean the caller are none of the caller's business.
        explanation: explaining
          ? policy.explain(question, reaching: source).lines(onlyOwn: isOwn) : []
      )
    }
  }

  private func question(
    _ caller: Caller,
    _ request: DecisionRequest
  ) throws(ServiceError) -> PolicyRequest {
    guard let operation = ServiceOperation(rawValue: request.operation) else {
      throw ServiceError(
        .invalidRequest,
        "There is no such operation.",
        remedy: "Operations are listed in docs/policy.md, such as key:encrypt."
      )
    }
    guard let resource = ResourcePath(request.resource) else {
      throw ServiceError(
        .invalidRequest,
        "The resource is not a path of segments.",
        remedy: "Give a path such as keys/etcd/prod-eu."
      )
    }
    var source = caller.source
    if let text = request.source {
      guard let address = NetworkAddress(text) else {
        throw ServiceError(.invalidRequest, "'source' is not an IPv4 or IPv6 address.")
      }
      source = address
    }
    return PolicyRequest(
      principal: try request.principal.map { subject throws(ServiceError) in
        try Principal(subject)
      } ?? caller.principal,
      operation: operation,
      resource: resource,
      time: now(),
      source: source
    )
  }

  /// The newest revision among the store's records.
  func newestPolicy(_ archive: PolicyArchive) throws(ServiceError) -> PolicyRevision {
    guard let newest = archive.records.last else {
      return PolicyRevision(number: 0, createdAt: nil, author: nil, compiled: sealedPolicy)
    }
    return try read(newest)
  }

  private func read(_ stored: StoredRecord) throws(ServiceError) -> PolicyRevision {
    do {
      return try PolicyRevision(stored, officerUIDs: sealedPolicy.officerUIDs)
    } catch {
      logger.error("The stored policy cannot be read", metadata: ["error": "\(error)"])
      throw AccessState.unreadable(stored)
    }
  }
}

extension Principal {
  /// The principal that a question is about; nothing of it is proved, and nothing is done in its name.
  fileprivate convenience init(_ subject: DecisionRequest.Subject) throws(ServiceError) {
    var kind = Kind.jwt
    if let text = subject.kind {
      guard let named = Kind(rawValue: text) else {
        throw ServiceError(
          .invalidRequest,
          "'principal.kind' is unknown.",
          remedy: "Use one of: \(Kind.allCases.map(\.rawValue).joined(separator: ", "))."
        )
      }
      kind = named
    } else if let builtIn = BuiltInIssuer(rawValue: subject.issuer) {
      switch builtIn {
      case .server: kind = .server
      case .unix: kind = .unixPeer
      case .kms: kind = .kmsSocket
      case .tokens: kind = .token
      case .roles: kind = .machineRole
      case .anonymous: kind = .anonymous
      }
    }
    var uid: UInt32?
    if kind == .unixPeer, subject.name.hasPrefix("uid:") { uid = UInt32(subject.name.dropFirst(4)) }
    self.init(
      kind: kind,
      issuer: subject.issuer,
      name: subject.name,
      cluster: subject.cluster,
      environment: subject.environment,
      claims: subject.claims ?? [:],
      uid: uid
    )
  }
}
