/// The answer to "may this principal do that to this?", with what decided it.
package struct Decision: Hashable, Sendable {
  package let isAllowed: Bool
  /// The role or rule that decided; `default-deny` when none allowed.
  package let rule: String

  package static func allow(_ rule: String) -> Decision {
    Decision(isAllowed: true, rule: rule)
  }

  /// Nothing allowed it.
  package static let defaultDeny = Decision(isAllowed: false, rule: "default-deny")
}
