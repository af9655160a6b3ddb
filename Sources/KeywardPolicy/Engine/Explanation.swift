package import KeywardModel

/// Why the policy decides a request as it does, in so much detail that the decision follows from it.
///
/// Allowed: a rule of `allowing`, or `builtIn`, matches, and none of `forbidding`, nor of those of
/// `source`. Refused: one of these matches, or `misses` shows for every allow rule of every binding what
/// was missing.
package struct Explanation: Hashable, Sendable {
  package let request: PolicyRequest
  package let decision: Decision
  /// The built-in binding that allows it.
  package let builtIn: BuiltInBinding?
  /// All rules that allow it, by binding.
  package let allowing: [RuleReference]
  /// All rules that forbid it.
  package let forbidding: [RuleReference]
  /// For a refusal by default: what was missing, the nearest first.
  ///
  /// A binding that does not hold is in it once with its nearest rule, one that holds with each of its
  /// allow rules.
  package let misses: [Miss]
  /// What an allowed request leads to, if anything: nothing is told of it to who is refused before.
  package let source: Source?

  /// A resource behind the one that the request names, and what forbids the operation there.
  package struct Source: Hashable, Sendable {
    package let resource: ResourcePath
    package let forbidding: [RuleReference]
  }

  /// A rule of a role, as a binding gives it.
  package struct RuleReference: Hashable, Sendable, CustomStringConvertible {
    package let binding: String
    package let role: String
    /// Counted from 0 in the role's document.
    package let index: Int

    package var description: String { "\(binding)/\(role)#\(index)" }
  }

  /// One thing that would have to be otherwise.
  package enum Missing: Hashable, Sendable {
    /// No subject of the binding matches the principal.
    case subject
    case bindingExpired(Timestamp)
    /// A condition of the binding, by its index.
    case bindingCondition(Int)
    case operation
    case resource
    /// A condition of the rule, by its index.
    case ruleCondition(Int)
    case ruleExpired(Timestamp)
    /// The role has no allow rule at all.
    case noRule
  }

  /// An allow rule that did not match, and everything that it missed by.
  package struct Miss: Hashable, Sendable {
    package let binding: String
    package let role: String
    /// Nil if the role has no allow rule.
    package let rule: Int?
    /// Never empty.
    package let missing: [Missing]

    package var description: String {
      "\(binding)/\(role)" + (rule.map { "#\($0)" } ?? "")
    }

    /// Who is not meant at all is farther than any rule for who is.
    fileprivate var distance: Int {
      missing.reduce(0) { sum, missing in
        switch missing {
        case .subject: sum + 100
        case .noRule: sum + 50
        case .operation, .resource: sum + 2
        default: sum + 1
        }
      }
    }
  }
}

extension CompiledPolicy {
  /// Why the request is decided as it is, with what it leads to.
  ///
  /// Looks at every binding, unlike `decide`: for people, not for every request.
  package func explain(
    _ request: PolicyRequest,
    reaching source: ResourcePath? = nil
  ) -> Explanation {
    let own = decide(request)
    let matching = matching(request)
    let isDefault = !own.isAllowed && matching.forbidding.isEmpty
    var reached: Explanation.Source?
    if let source, own.isAllowed {
      let behind = self.matching(request.about(source))
      reached = Explanation.Source(resource: source, forbidding: behind.forbidding)
    }
    return Explanation(
      request: request,
      decision: decide(request, reaching: source),
      builtIn: BuiltInBinding.allowing(request, officerUIDs: officerUIDs),
      allowing: matching.allowing,
      forbidding: matching.forbidding,
      misses: isDefault ? misses(request, Array(bindings.indices)) : [],
      source: reached
    )
  }

  /// All rules that are about the request in every respect.
  private func matching(
    _ request: PolicyRequest
  ) -> (allowing: [Explanation.RuleReference], forbidding: [Explanation.RuleReference]) {
    var allowing: [Explanation.RuleReference] = []
    var forbidding: [Explanation.RuleReference] = []
    for number in candidates(request.principal, most: .max).sorted()
    where bindings[number].body.counts(for: request) {
      let role = roles[bindings[number].role]
      for (index, rule) in role.rules.enumerated() where rule.matches(request) {
        let reference = Explanation.RuleReference(
          binding: bindings[number].name,
          role: role.name,
          index: index
        )
        if rule.effect == .allow {
          allowing.append(reference)
        } else {
          forbidding.append(reference)
        }
      }
    }
    return (allowing, forbidding)
  }

  /// The rule text of a refusal by default.
  ///
  /// Looks at no more than 64 bindings of the principal and 256 of their rules: who is refused must
  /// not cost more than who is allowed.
  func nearest(_ request: PolicyRequest) -> String {
    let numbers = candidates(request.principal, most: 64)
    guard !numbers.isEmpty else { return "default-deny" }
    guard let miss = misses(request, numbers, mostRules: 256).first else { return "default-deny" }
    return "default-deny; nearest \(miss.description): "
      + miss.missing.map { words($0, miss) }.joined(separator: ", ")
  }

  private func misses(
    _ request: PolicyRequest,
    _ numbers: [Int],
    mostRules: Int = .max
  ) -> [Explanation.Miss] {
    var misses: [Explanation.Miss] = []
    var rules = 0
    // What a rule misses by does not depend on the binding: once for each role.
    var byRole: [Int: [(rule: Int, missing: [Explanation.Missing])]] = [:]
    for number in numbers {
      let binding = bindings[number]
      let role = roles[binding.role]
      let ofRules: [(rule: Int, missing: [Explanation.Missing])]
      if let known = byRole[binding.role] {
        ofRules = known
      } else {
        var found: [(rule: Int, missing: [Explanation.Missing])] = []
        for (index, rule) in role.rules.enumerated() where rule.effect == .allow {
          guard rules < mostRules else { break }
          rules += 1
          found.append((index, rule.missing(request)))
        }
        byRole[binding.role] = found
        ofRules = found
      }
      let ofBinding = binding.body.missing(request)
      func miss(_ rule: Int?, _ missing: [Explanation.Missing]) -> Explanation.Miss {
        Explanation.Miss(
          binding: binding.name,
          role: role.name,
          rule: rule,
          missing: ofBinding + missing
        )
      }
      let all = ofRules.map { miss($0.rule, $0.missing) }
      if all.isEmpty {
        misses.append(miss(nil, [.noRule]))
      } else if ofBinding.isEmpty {
        misses += all
      } else if let nearest = all.min(by: Self.isNearer) {
        misses.append(nearest)
      }
    }
    return misses.sorted(by: Self.isNearer)
  }

  private static func isNearer(_ left: Explanation.Miss, _ right: Explanation.Miss) -> Bool {
    (left.distance, left.binding, left.rule ?? -1)
      < (right.distance, right.binding, right.rule ?? -1)
  }

  /// What was missing, in words of policy.
  package func words(_ missing: Explanation.Missing, _ miss: Explanation.Miss) -> String {
    func condition(_ conditions: [PolicyCondition]?, _ index: Int) -> String {
      guard let conditions, conditions.indices.contains(index) else { return "condition" }
      return "condition " + PolicyDocument.text(conditions[index])
    }
    let binding = bindings.first { $0.name == miss.binding }
    let rules = binding.map { roles[$0.role].rules } ?? []
    let rule = miss.rule.flatMap { rules.indices.contains($0) ? rules[$0] : nil }
    return switch missing {
    case .subject: "subject"
    case .bindingExpired(let time): "binding expired \(time.rfc3339)"
    case .bindingCondition(let index): condition(binding?.body.conditions, index)
    case .operation: "operation"
    case .resource: "resource"
    case .ruleCondition(let index): condition(rule?.conditions, index)
    case .ruleExpired(let time): "rule expired \(time.rfc3339)"
    case .noRule: "no allow rule"
    }
  }
}

extension PolicyRule {
  /// Whether the rule is about the request in every respect.
  package func matches(_ request: PolicyRequest) -> Bool {
    operations.contains(request.operation)
      && resources.contains { $0.matches(request.resource, for: request.principal) }
      && counts(for: request)
  }

  /// Everything by which the rule misses the request.
  fileprivate func missing(_ request: PolicyRequest) -> [Explanation.Missing] {
    var missing: [Explanation.Missing] = []
    if !operations.contains(request.operation) { missing.append(.operation) }
    if !resources.contains(where: { $0.matches(request.resource, for: request.principal) }) {
      missing.append(.resource)
    }
    for (index, condition) in conditions.enumerated() where !condition.holds(request) {
      missing.append(.ruleCondition(index))
    }
    if let expires, request.time >= expires { missing.append(.ruleExpired(expires)) }
    return missing
  }
}

extension PolicyBinding {
  /// Everything by which the binding misses the request.
  fileprivate func missing(_ request: PolicyRequest) -> [Explanation.Missing] {
    var missing: [Explanation.Missing] = []
    if !subjects.contains(where: { $0.matches(request.principal) }) { missing.append(.subject) }
    for (index, condition) in conditions.enumerated() where !condition.holds(request) {
      missing.append(.bindingCondition(index))
    }
    if let expires, request.time >= expires { missing.append(.bindingExpired(expires)) }
    return missing
  }
}
