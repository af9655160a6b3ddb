/// The answer to "may this principal do that to this?", with what decided it.
package struct Decision: Hashable, Sendable {
  package static let longestRule = 256

  package let isAllowed: Bool
  /// What decided: `BINDING/ROLE#INDEX`, the name of a built-in binding, or, when nothing allowed,
  /// `default-deny` with the rule that was nearest; at most 256 bytes of ASCII.
  package let rule: String
  /// What must be approved before it is done; empty if nothing, or if it is not allowed.
  package let approvals: [ApprovalRequirement]

  package init(isAllowed: Bool, rule: String, approvals: [ApprovalRequirement] = []) {
    self.isAllowed = isAllowed
    self.rule =
      rule.utf8.count <= Self.longestRule
      ? rule : String(rule.utf8.prefix(Self.longestRule)) ?? "default-deny"
    self.approvals = approvals
  }

  package static func allow(_ rule: String) -> Decision {
    Decision(isAllowed: true, rule: rule)
  }

  /// Nothing allowed it, and nothing is near.
  package static let defaultDeny = Decision(isAllowed: false, rule: "default-deny")
}
