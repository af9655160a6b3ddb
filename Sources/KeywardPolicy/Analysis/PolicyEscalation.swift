package import KeywardModel

/// What a change of policy would give that its writer does not hold: a request with the decisions.
///
/// The writer holds a request if the old policy lets the writer do that operation on that resource, at
/// that time and from that address, with no more approvals than the new policy asks for. So a right
/// that ends cannot be given without end, nor one that is bound to a network to the whole world.
package struct PolicyEscalation: Hashable, Sendable {
  /// What somebody could do under the new policy, and could not before.
  package let example: PolicyRequest
  package let before: Decision
  package let after: Decision
  /// The same, asked by the writer under the old policy.
  package let writer: Decision

  /// The escalation that going from `old` to `new` would be, nil if it is none.
  ///
  /// `writer` is asked whether it holds `policy:escalate` as of `time` and `source`; whoever does, and
  /// needs no approval for it, may give what they like.
  package static func find(
    from old: CompiledPolicy,
    to new: CompiledPolicy,
    by writer: Principal,
    time: Timestamp,
    source: NetworkAddress?,
    steps: Int? = nil
  ) throws(PolicyAnalysisError) -> PolicyEscalation? {
    if old.mayEscalate(writer, time: time, source: source) { return nil }
    var search = EscalationSearch(
      old: try AnalyzedPolicy(old),
      new: try AnalyzedPolicy(new),
      writer: writer
    )
    if let steps { search.search.stepsLeft = steps }
    guard let example = try search.first() else { return nil }
    return PolicyEscalation(
      example: example,
      before: old.decide(example),
      after: new.decide(example),
      writer: old.decide(example.asked(by: writer))
    )
  }
}

extension CompiledPolicy {
  /// Whether `principal` holds `policy:escalate` and needs no approval for it.
  func mayEscalate(_ principal: Principal, time: Timestamp, source: NetworkAddress?) -> Bool {
    let decision = decide(
      PolicyRequest(
        principal: principal,
        operation: .policyEscalate,
        resource: Resource.policy,
        time: time,
        source: source
      )
    )
    return decision.isAllowed && decision.approvals.isEmpty
  }
}

extension PolicyRequest {
  /// The same request of another principal.
  package func asked(by principal: Principal) -> PolicyRequest {
    PolicyRequest(
      principal: principal,
      operation: operation,
      resource: resource,
      time: time,
      source: source
    )
  }
}

/// Looks for a request that a change gives and the writer does not hold.
struct EscalationSearch {
  let old: AnalyzedPolicy
  let new: AnalyzedPolicy
  /// The old policy's boxes as they are for the writer, about every principal.
  let held: BoxIndex
  let heldForbid: BoxIndex
  let heldApprovals: BoxIndex
  var search = RegionSearch()

  init(old: AnalyzedPolicy, new: AnalyzedPolicy, writer: Principal) {
    self.old = old
    self.new = new
    held = BoxIndex(old.allow.compactMap { $0.asked(by: writer) })
    heldForbid = BoxIndex(old.forbid.compactMap { $0.asked(by: writer) })
    heldApprovals = BoxIndex(old.approvals.compactMap { $0.asked(by: writer) })
  }

  mutating func first() throws(PolicyAnalysisError) -> PolicyRequest? {
    let changedForbids = old.forbid.filter { !new.forbidden.contains($0.constraints) }
    let changedApprovals = old.approvals.filter { box in
      AnalyzedPolicy.approved(box).map { !new.approved.contains($0) } ?? false
    }
    for box in new.allow {
      // What is gained is a way from one of these; what the writer lacks is one of those of `lacking`.
      if !old.allowed.contains(box.constraints),
        let found = try lacking([box], without: old.allowIndex, more: [])
      {
        return found
      }
      for forbidden in changedForbids where !forbidden.isApart(from: box.hull) {
        if let found = try lacking([box, forbidden], without: nil, more: []) { return found }
      }
      for approval in changedApprovals where !approval.isApart(from: box.hull) {
        guard let requirement = approval.requirement else { continue }
        if let found = try lacking([box, approval], without: nil, more: [requirement]) {
          return found
        }
      }
    }
    return nil
  }

  /// A request of principals who meet `identities` that they may do and the writer does not hold.
  ///
  /// To approve is nobody's to hold for another: a second identity is a second vote. What a built-in
  /// binding lets everybody do with their own identity is nothing to hold.
  mutating func first(
    of identities: [Constraint]
  ) throws(PolicyAnalysisError) -> PolicyRequest? {
    for box in new.allow {
      guard let own = box.narrowed(identities + [.not(Self.ofOneself)]) else { continue }
      if let vote = own.narrowed(Self.approving) {
        let forbid = new.forbidIndex.near(vote.hull)
        if let found = try search.example(inside: [vote], outside: forbid) { return found }
      }
      if let found = try lacking([own], without: nil, more: []) { return found }
    }
    return nil
  }

  private static let approving = requests([.approvalApprove], of: .approvals)
  private static let ofOneself = requests(BuiltInBinding.ownOperations.operations, of: .own)

  private static func requests(
    _ operations: [ServiceOperation],
    of resource: Resource
  ) -> [Constraint] {
    let pattern = ResourcePattern(segments: [.literal(resource.description)], hasRest: false)
    return [.operations(OperationSet(operations))] + Constraint.resource(pattern)
  }

  /// A request of these boxes that the writer may not do, is forbidden to do, or needs more approvals
  /// for.
  private mutating func lacking(
    _ inside: [RuleBox],
    without outside: BoxIndex?,
    more: [ApprovalRequirement]
  ) throws(PolicyAnalysisError) -> PolicyRequest? {
    func near(_ boxes: BoxIndex) -> [RuleBox] {
      guard let first = inside.first else { return [] }
      return boxes.near(first.hull).filter { box in
        inside.dropFirst().allSatisfy { !box.isApart(from: $0.hull) }
      }
    }
    let none = near(new.forbidIndex) + (outside.map(near) ?? [])
    let asked = near(new.approvalIndex)
    func goal(_ more: [ApprovalRequirement]) -> ApprovalGoal? {
      more.isEmpty ? nil : ApprovalGoal(more: more, than: asked)
    }
    if let found = try search.example(
      inside: inside,
      outside: none + near(held),
      goal: goal(more)
    ) {
      return found
    }
    for forbidden in near(heldForbid) {
      if let found = try search.example(
        inside: inside + [forbidden],
        outside: none,
        goal: goal(more)
      ) {
        return found
      }
    }
    for approval in near(heldApprovals) {
      guard let requirement = approval.requirement else { continue }
      if let found = try search.example(
        inside: inside + [approval],
        outside: none,
        goal: goal(more + [requirement])
      ) {
        return found
      }
    }
    return nil
  }
}

extension RuleBox {
  /// The part of the box that meets more constraints; nil if there is none.
  fileprivate func narrowed(_ more: [Constraint]) -> RuleBox? {
    RuleBox(
      constraints + more,
      reference: reference,
      builtIn: builtIn,
      requirement: requirement
    )
  }

  /// The box of the requests that it would have if `principal` asked, whoever asks; nil if none.
  fileprivate func asked(by principal: Principal) -> RuleBox? {
    let parts = principal.name.split(separator: "/", omittingEmptySubsequences: false)
    var left: [Constraint] = []
    for constraint in constraints {
      switch constraint {
      case .segmentIsAttribute(let index, let attribute):
        guard let value = attribute.value(of: principal), ResourcePath.isSegment(value) else {
          return nil
        }
        left.append(.segment(index, .only([value])))
      case .segmentIsNamePart(let index, let part):
        guard parts.indices.contains(part), ResourcePath.isSegment(parts[part]) else { return nil }
        left.append(.segment(index, .only([String(parts[part])])))
      default:
        switch constraint.isMet(by: principal, parts) {
        case false?: return nil
        case true?: break
        case nil: left.append(constraint)
        }
      }
    }
    return RuleBox(left, reference: reference, builtIn: builtIn, requirement: requirement)
  }
}

extension Constraint {
  /// Whether the principal meets it; nil if it is not about the principal alone.
  fileprivate func isMet(by principal: Principal, _ parts: [Substring]) -> Bool? {
    switch self {
    case .kinds(let bits):
      guard let index = Principal.Kind.allCases.firstIndex(of: principal.kind) else { return false }
      return bits >> UInt16(index) & 1 == 1
    case .value(let attribute, let domain): return domain.contains(attribute.value(of: principal))
    case .nameLength(let lengths):
      return lengths >> UInt64(min(parts.count, Region.longestName)) & 1 == 1
    case .namePart(let index, let domain):
      return parts.indices.contains(index) && domain.contains(String(parts[index]))
    case .not(let constraints):
      // Spelled for names only, all of which are about the principal alone.
      return constraints.contains { $0.isMet(by: principal, parts) == false }
    case .operations, .pathLength, .segment, .segmentIsAttribute, .segmentIsNamePart, .source,
      .time,
      .week:
      return nil
    }
  }
}
