package import KeywardModel

/// Proof that a decision allowed one operation on one resource.
///
/// Only `CompiledPolicy.authorize` makes one, and an act consumes it: code that acts without having
/// asked, or acts twice on one answer, does not compile.
package struct Authorization: ~Copyable {
  package let principal: Principal
  package let operation: ServiceOperation
  package let resource: ResourcePath
  /// What the operation reaches through the resource, if anything: policy was asked about it too.
  package let source: ResourcePath?
  package let rule: String
  /// What must have been approved; whoever acts checks it before it acts.
  package let approvals: [ApprovalRequirement]

  fileprivate init(_ request: PolicyRequest, _ source: ResourcePath?, _ decision: Decision) {
    principal = request.principal
    operation = request.operation
    resource = request.resource
    self.source = source
    rule = decision.rule
    approvals = decision.approvals
  }
}

/// The refusal that takes the place of an authorization.
package struct Refusal: Error, Hashable, Sendable {
  package let decision: Decision
  /// What allowed the request itself, where it is what it reaches that is forbidden; else nil.
  package let allowedBy: String?
}

extension CompiledPolicy {
  /// Whether any binding is about `principal`: who is in none can do nothing that others cannot.
  package func names(_ principal: Principal) -> Bool {
    !candidates(principal, most: 1).isEmpty
  }

  /// The proof that the request is allowed; throws the refusal otherwise.
  package func authorize(
    _ request: PolicyRequest,
    reaching source: ResourcePath? = nil
  ) throws(Refusal) -> Authorization {
    let decision = decide(request, reaching: source)
    guard decision.isAllowed else {
      let own = source == nil ? decision : decide(request)
      throw Refusal(decision: decision, allowedBy: own.isAllowed ? own.rule : nil)
    }
    return Authorization(request, source, decision)
  }
}
