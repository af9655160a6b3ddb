import KeywardModel

/// What one policy lets be done and another does not, each with an example; empty if and only if the
/// two are equivalent.
///
/// Two policies are equivalent if they allow the same requests, ask the same of every set of approvers,
/// and let approvals count as long. A request is any operation, any resource path, any time of the
/// years 1970 to 9999, any address or none, and any principal that there can be.
package struct PolicyDifference: Hashable, Sendable {
  /// How the access came about.
  package enum Cause: String, Hashable, Sendable {
    /// A rule allows it that has no counterpart.
    case allowed
    /// A rule that forbade it is gone.
    case notForbidden = "not-forbidden"
    /// Fewer people have to approve, or others, or their approval counts longer.
    case fewerApprovals = "fewer-approvals"
  }

  /// Access of one rule, with one request that shows it.
  package struct Access: Hashable, Sendable {
    package let cause: Cause
    /// The rule that allows it: `BINDING/ROLE#INDEX` or a built-in binding, in the policy that does.
    package let rule: String
    /// The rule that forbids it or asks for approval in the other policy, if that is the difference.
    package let other: String?
    package let example: PolicyRequest
    package let before: Decision
    package let after: Decision
  }

  /// What the new policy gives and the old one does not.
  package let gained: [Access]
  /// What the old policy gives and the new one does not.
  package let lost: [Access]

  package var isEmpty: Bool { gained.isEmpty && lost.isEmpty }

  /// Compares; throws rather than to give an answer that may be wrong.
  package init(
    from old: CompiledPolicy,
    to new: CompiledPolicy,
    steps: Int? = nil
  ) throws(PolicyAnalysisError) {
    let before = try AnalyzedPolicy(old)
    let after = try AnalyzedPolicy(new)
    gained = try AccessSearch(holder: after, other: before, steps: steps).all().map {
      Access(found: $0, before: old.decide($0.example), after: new.decide($0.example))
    }
    lost = try AccessSearch(holder: before, other: after, steps: steps).all().map {
      Access(found: $0, before: old.decide($0.example), after: new.decide($0.example))
    }
  }

  /// Access that `policy` gives and `other` does not; nil if `policy` is contained in `other`.
  package static func access(
    of policy: CompiledPolicy,
    notIn other: CompiledPolicy,
    steps: Int? = nil
  ) throws(PolicyAnalysisError) -> Access? {
    var search = AccessSearch(
      holder: try AnalyzedPolicy(policy),
      other: try AnalyzedPolicy(other),
      steps: steps
    )
    return try search.first().map {
      Access(found: $0, before: other.decide($0.example), after: policy.decide($0.example))
    }
  }
}

extension PolicyDifference.Access {
  fileprivate init(found: AccessSearch.Found, before: Decision, after: Decision) {
    self.init(
      cause: found.cause,
      rule: found.rule,
      other: found.other,
      example: found.example,
      before: before,
      after: after
    )
  }
}

/// Looks for what `holder` lets be done and `other` does not.
struct AccessSearch {
  struct Found: Hashable, Sendable {
    let cause: PolicyDifference.Cause
    let rule: String
    let other: String?
    let example: PolicyRequest
  }

  private let holder: AnalyzedPolicy
  private let other: AnalyzedPolicy
  private var search = RegionSearch()

  init(holder: AnalyzedPolicy, other: AnalyzedPolicy, steps: Int?) {
    self.holder = holder
    self.other = other
    if let steps { search.stepsLeft = steps }
  }

  /// One for each rule and cause.
  func all() throws(PolicyAnalysisError) -> [Found] {
    var copy = self
    return try copy.search(most: .max)
  }

  mutating func first() throws(PolicyAnalysisError) -> Found? {
    try search(most: 1).first
  }

  private mutating func search(most: Int) throws(PolicyAnalysisError) -> [Found] {
    var found: [Found] = []
    var seen: Set<[String]> = []
    let changedForbids = other.forbid.filter { !holder.forbidden.contains($0.constraints) }
    let changedApprovals = other.approvals.filter { box in
      AnalyzedPolicy.approved(box).map { !holder.approved.contains($0) } ?? false
    }
    for box in holder.allow where found.count < most {
      let rule = box.name
      let isHeld = other.allowed.contains(box.constraints)
      if isHeld, changedForbids.isEmpty, changedApprovals.isEmpty { continue }
      let forbid = holder.forbidIndex.near(box.hull)
      func note(_ cause: PolicyDifference.Cause, _ by: String?, _ example: PolicyRequest) {
        guard seen.insert([cause.rawValue, rule, by ?? ""]).inserted else { return }
        found.append(Found(cause: cause, rule: rule, other: by, example: example))
      }
      if !isHeld, !seen.contains(["allowed", rule, ""]) {
        let allow = other.allowIndex.near(box.hull)
        if let example = try search.example(inside: [box], outside: allow + forbid) {
          note(.allowed, nil, example)
        }
      }
      for forbidden in changedForbids
      where !forbidden.isApart(from: box.hull)
        && !seen.contains(["not-forbidden", rule, forbidden.name])
      {
        if let example = try search.example(inside: [box, forbidden], outside: forbid) {
          note(.notForbidden, forbidden.name, example)
        }
      }
      for approval in changedApprovals
      where !approval.isApart(from: box.hull)
        && !seen.contains(["fewer-approvals", rule, approval.name])
      {
        guard let requirement = approval.requirement else { continue }
        let asked = holder.approvalIndex.near(box.hull)
        let goal = ApprovalGoal(more: [requirement], than: asked)
        if let example = try search.example(
          inside: [box, approval],
          outside: forbid,
          goal: goal
        ) {
          note(.fewerApprovals, approval.name, example)
        }
      }
    }
    for one in found { try check(one) }
    return found
  }

  /// Every example is decided by both policies before it is shown.
  private func check(_ found: Found) throws(PolicyAnalysisError) {
    let held = holder.policy.decide(found.example)
    let refused = other.policy.decide(found.example)
    let isTrue =
      held.isAllowed
      && (found.cause == .fewerApprovals
        ? !refused.isAllowed || held.approvals != refused.approvals : !refused.isAllowed)
    guard isTrue else { throw .contradiction("\(found.cause.rawValue) \(found.rule)") }
  }
}

extension RuleBox {
  /// The rule as decisions name it.
  var name: String {
    reference?.description ?? builtIn?.rawValue ?? requirement?.rule ?? ""
  }
}
