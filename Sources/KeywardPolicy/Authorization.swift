package import KeywardModel

/// Proof that a decision allowed one operation on one resource.
///
/// Only `BuiltInPolicy.authorize` makes one, and an act consumes it: code that acts without having
/// asked, or acts twice on one answer, does not compile.
package struct Authorization: ~Copyable {
  package let principal: Principal
  package let operation: ServiceOperation
  package let resource: Resource
  package let rule: String

  fileprivate init(
    principal: Principal,
    operation: ServiceOperation,
    resource: Resource,
    rule: String
  ) {
    self.principal = principal
    self.operation = operation
    self.resource = resource
    self.rule = rule
  }
}

/// The refusal that takes the place of an authorization.
package struct Refusal: Error, Hashable, Sendable {
  package let decision: Decision
}

extension BuiltInPolicy {
  /// The proof that the operation is allowed; throws the refusal otherwise.
  package func authorize(
    _ principal: Principal,
    _ operation: ServiceOperation,
    _ resource: Resource
  ) throws(Refusal) -> Authorization {
    let decision = decide(principal, operation, resource)
    guard decision.isAllowed else { throw Refusal(decision: decision) }
    return Authorization(
      principal: principal,
      operation: operation,
      resource: resource,
      rule: decision.rule
    )
  }
}
