package import KeywardModel

/// What in a policy is likely a mistake, or wider than it need be; nothing of it changes a decision.
package struct PolicyLint: Hashable, Sendable {
  package enum Severity: String, Hashable, Sendable {
    /// What is asked for can never be had.
    case error
    case warning
  }

  package enum Rule: String, Hashable, Sendable, CaseIterable {
    /// A quorum that nobody can fill.
    case unreachableQuorum = "unreachable-quorum"
    /// An allow rule that allows nothing that others do not, or a forbid rule that takes nothing away.
    case shadowed
    /// A rule with its binding that no request can match.
    case neverMatches = "never-matches"
    /// A role that no binding gives.
    case unusedRole = "unused-role"
    /// An allow rule for all operations or all resources.
    case wildcard
    /// A subject with any name, or any issuer.
    case broadSubject = "broad-subject"
    /// A forbid rule with `not_in`: it lets pass who does not have the attribute.
    case notInForbid = "not-in-forbid"
    /// A rule or binding that has expired.
    case expired
  }

  package struct Finding: Hashable, Sendable, CustomStringConvertible {
    package let rule: Rule
    package let document: PolicySet.Identity
    /// The rule or subject in its document.
    package let index: Int?
    package let message: String

    package var severity: Severity { rule == .unreachableQuorum ? .error : .warning }

    package var description: String {
      "\(severity.rawValue) \(rule.rawValue): \(document.kind.rawValue) \(document.name)"
        + (index.map { "#\($0)" } ?? "") + ": \(message)"
    }
  }

  package private(set) var findings: [Finding] = []
  /// Whether rules were too many, or interlocked too much, for all shadowed ones to be found.
  package private(set) var isPartial = false

  /// Looks through a policy as of `time`.
  package init(_ policy: CompiledPolicy, time: Timestamp, steps: Int = 200_000) {
    let bound = Set(policy.bindings.map { policy.roles[$0.role].name })
    for document in policy.set.documents {
      switch document.body {
      case .role(let role): look(document, role, isBound: bound.contains(document.name), time)
      case .binding(let binding): look(document, binding, time)
      case .approvalRule(let rule): look(document, rule)
      }
    }
    lookForShadows(policy, steps)
  }

  private mutating func add(
    _ rule: Rule,
    _ document: PolicySet.Identity,
    _ message: String,
    index: Int? = nil
  ) {
    findings.append(Finding(rule: rule, document: document, index: index, message: message))
  }

  private mutating func look(
    _ document: PolicyDocument,
    _ role: PolicyRole,
    isBound: Bool,
    _ time: Timestamp
  ) {
    if !isBound {
      add(.unusedRole, document.identity, "no binding gives this role; bind or remove it")
    }
    for (index, rule) in role.rules.enumerated() {
      if rule.effect == .allow {
        if rule.operationPatterns.contains("*") {
          add(
            .wildcard,
            document.identity,
            "allows every operation; name those that are needed",
            index: index
          )
        }
        if rule.resources.contains(where: { $0.segments.isEmpty && $0.hasRest }) {
          add(
            .wildcard,
            document.identity,
            "is about every resource; name those that are meant",
            index: index
          )
        }
      } else {
        lookForNotIn(document, rule.conditions, index)
      }
      if let expires = rule.expires, expires <= time {
        add(.expired, document.identity, "expired \(expires.rfc3339); remove it", index: index)
      }
    }
  }

  private mutating func lookForNotIn(
    _ document: PolicyDocument,
    _ conditions: [PolicyCondition],
    _ index: Int?
  ) {
    for condition in conditions {
      guard case .isNotIn(let attribute, _) = condition else { continue }
      add(
        .notInForbid,
        document.identity,
        "does not forbid to who has no \(attribute); write an allow rule with 'in' instead",
        index: index
      )
    }
  }

  private mutating func look(
    _ document: PolicyDocument,
    _ binding: PolicyBinding,
    _ time: Timestamp
  ) {
    for (index, subject) in binding.subjects.enumerated() {
      if subject.issuer == .present {
        add(
          .broadSubject,
          document.identity,
          "is anybody of every issuer; name the issuer",
          index: index
        )
      } else if subject.name == nil || subject.name?.description == "**" {
        add(
          .broadSubject,
          document.identity,
          "is everybody of its issuer; give a name",
          index: index
        )
      }
    }
    if let expires = binding.expires, expires <= time {
      add(.expired, document.identity, "expired \(expires.rfc3339); remove it")
    }
  }

  /// Counts who there can be if a subject that names one issuer and one name is one person.
  private mutating func look(_ document: PolicyDocument, _ rule: PolicyApprovalRule) {
    if !rule.tree.isReachable() {
      add(
        .unreachableQuorum,
        document.identity,
        "asks for more than can ever approve; lower n or name more approvers"
      )
    }
  }
}

extension PolicyLint {
  /// Rules without which every decision would be the same.
  private mutating func lookForShadows(_ policy: CompiledPolicy, _ steps: Int) {
    guard let analyzed = try? AnalyzedPolicy(policy) else {
      isPartial = true
      return
    }
    var search = RegionSearch()
    search.stepsLeft = steps
    let boxes = Dictionary(grouping: analyzed.allow + analyzed.forbid) { $0.reference }
    for binding in policy.bindings {
      let role = policy.roles[binding.role]
      for index in role.rules.indices {
        let reference = Explanation.RuleReference(
          binding: binding.name,
          role: role.name,
          index: index
        )
        let isAllow = role.rules[index].effect == .allow
        let own = boxes[reference] ?? []
        let identity = PolicySet.Identity(kind: .binding, name: binding.name)
        do throws(PolicyAnalysisError) {
          let index = isAllow ? analyzed.allowIndex : analyzed.forbidIndex
          let isUseful = try Self.isAny(
            own,
            &search,
            within: isAllow ? nil : analyzed.allowIndex,
            outside: { box in
              index.near(box.hull).filter { $0.reference != reference }
                + (isAllow ? analyzed.forbidIndex.near(box.hull) : [])
            }
          )
          if isUseful { continue }
          if try Self.isAny(own, &search, outside: { _ in [] }) {
            add(.shadowed, identity, "\(reference) changes nothing beside the other rules")
          } else {
            add(.neverMatches, identity, "no request can match \(reference)")
          }
        } catch {
          isPartial = true
          return
        }
      }
    }
  }

  /// Whether a request is in one of the boxes, and in one `within`, and in none `outside`.
  private static func isAny(
    _ boxes: [RuleBox],
    _ search: inout RegionSearch,
    within: BoxIndex? = nil,
    outside: (RuleBox) -> [RuleBox]
  ) throws(PolicyAnalysisError) -> Bool {
    for box in boxes {
      let others = outside(box)
      for inside in within.map({ index in index.near(box.hull).map { [box, $0] } }) ?? [[box]] {
        let example = try search.example(inside: inside, outside: others)
        if example != nil { return true }
      }
    }
    return false
  }
}

extension ApprovalTree {
  /// Whether approvers can fill it, taking a subject with one issuer and one name for one person and
  /// every other for any number; of subjects that are not `known` there is nobody.
  package func isReachable(known: (PolicySubject) -> Bool = { _ in true }) -> Bool {
    let nodes = nodes
    var people: [String: UInt16] = [:]
    var crowd: UInt16 = 0
    for (index, node) in nodes.enumerated() {
      for subject in node.subjects where known(subject) {
        if case .literal(let issuer) = subject.issuer, let name = subject.name?.literal,
          subject.cluster != .present
        {
          var key = issuer + " " + name
          if case .literal(let cluster)? = subject.cluster { key += " " + cluster }
          people[key, default: 0] |= 1 << UInt16(index)
        } else {
          crowd |= 1 << UInt16(index)
        }
      }
    }
    let most = Self.mostNeeded * Self.mostNodes
    var groups = people.values.map { Group(nodes: $0, count: 1) }
    for index in nodes.indices where crowd >> UInt16(index) & 1 == 1 {
      groups.append(Group(nodes: 1 << UInt16(index), count: most))
    }
    return isSatisfied(by: groups)
  }
}
