import Foundation
import KeywardModel
import KeywardPolicy
import Testing

/// Decisions against `NaiveEvaluator`, and explanations against themselves.
@Suite
struct PolicyOracleTests {
  static let isLong = ProcessInfo.processInfo.environment["KEYWARD_LONG"] != nil

  /// 50,000 pairs of policy and request; a million in the long form.
  @Test
  func decisionsAgreeWithTheNaiveEvaluator() throws {
    var random = RandomPolicy(seed: 1)
    var allowed = 0
    var withApprovals = 0
    for _ in 0..<(Self.isLong ? 20_000 : 1000) {
      let set = try PolicySet(random.document())
      let policy = CompiledPolicy(set, officerUIDs: [7])
      let naive = NaiveEvaluator(set: set, officerUIDs: [7])
      for _ in 0..<50 {
        let request = random.request()
        let decision = policy.decide(request)
        #expect(decision.isAllowed == naive.isAllowed(request), "\(request)\n\(set.canonicalText)")
        #expect(decision.isAllowed == policy.isAllowed(request))
        let approvals = decision.isAllowed ? naive.approvals(request) : []
        #expect(Set(decision.approvals.map(\.rule)) == approvals)
        allowed += decision.isAllowed ? 1 : 0
        withApprovals += decision.approvals.isEmpty ? 0 : 1
      }
    }
    // The generator is worth something only if both answers are frequent.
    #expect(allowed > (Self.isLong ? 100_000 : 5000))
    #expect(withApprovals > (Self.isLong ? 2000 : 100))
  }

  /// No order of documents, rules, subjects, patterns or conditions changes a decision.
  @Test
  func orderNeverMatters() throws {
    var random = RandomPolicy(seed: 2)
    for _ in 0..<(Self.isLong ? 10_000 : 500) {
      let documents = random.document()
      let policy = CompiledPolicy(try PolicySet(documents), officerUIDs: [7])
      let shuffled = CompiledPolicy(
        try PolicySet(Self.shuffled(documents, &random.random)),
        officerUIDs: [7]
      )
      for _ in 0..<10 {
        let request = random.request()
        let one = policy.decide(request)
        let two = shuffled.decide(request)
        #expect(one.isAllowed == two.isAllowed)
        #expect(one.approvals.map(\.rule) == two.approvals.map(\.rule))
      }
    }
  }

  /// The canonical text of random documents is read back as the same documents.
  @Test
  func canonicalTextIsTheDocuments() throws {
    var random = RandomPolicy(seed: 3)
    for _ in 0..<(Self.isLong ? 5000 : 200) {
      let set = try PolicySet(random.document())
      #expect(try PolicySet.parse([("text", set.canonicalText)]) == set)
    }
  }

  /// Each explanation is checked piece by piece against the documents, and the decision follows from it
  /// alone, refusals included.
  @Test
  func explanationsReproduceDecisions() throws {
    var random = RandomPolicy(seed: 4)
    var counts = (allowed: 0, forbidden: 0, missed: 0)
    for _ in 0..<(Self.isLong ? 2000 : 200) {
      let set = try PolicySet(random.document())
      let policy = CompiledPolicy(set, officerUIDs: [7])
      for _ in 0..<10 {
        let request = random.request()
        let explanation = policy.explain(request)
        let decision = policy.decide(request)
        #expect(explanation.decision == decision)
        #expect(try Evidence(set, explanation).isAllowed() == decision.isAllowed)
        #expect(NaiveEvaluator(set: set, officerUIDs: [7]).isAllowed(request) == decision.isAllowed)
        counts.allowed += decision.isAllowed ? 1 : 0
        counts.forbidden += explanation.forbidding.isEmpty ? 0 : 1
        counts.missed += explanation.misses.isEmpty ? 0 : 1
      }
    }
    #expect(counts.allowed > 100 && counts.forbidden > 20 && counts.missed > 100, "\(counts)")
  }

  private static func shuffled(
    _ documents: [PolicyDocument],
    _ random: inout SplitMix
  ) -> [PolicyDocument] {
    let changed = documents.map { document in
      switch document.body {
      case .role(let role):
        let rules = role.rules.map { rule in
          PolicyRule(
            effect: rule.effect,
            operations: random.shuffled(rule.operationPatterns),
            resources: random.shuffled(rule.resources),
            conditions: random.shuffled(rule.conditions),
            expires: rule.expires
          )
        }
        return PolicyDocument(
          name: document.name,
          body: .role(PolicyRole(rules: random.shuffled(rules)))
        )
      case .binding(let binding):
        let changed = PolicyBinding(
          role: binding.role,
          subjects: random.shuffled(binding.subjects),
          conditions: random.shuffled(binding.conditions),
          expires: binding.expires
        )
        return PolicyDocument(name: document.name, body: .binding(changed))
      case .approvalRule: return document
      }
    }
    return random.shuffled(changed)
  }
}

/// Derives a decision from an explanation and the documents, without the engine.
private struct Evidence {
  let explanation: Explanation
  private let set: PolicySet
  private let naive: NaiveParts

  init(_ set: PolicySet, _ explanation: Explanation) {
    self.set = set
    self.explanation = explanation
    naive = NaiveParts(set: set, request: explanation.request)
  }

  func isAllowed() throws -> Bool {
    for reference in explanation.forbidding { #expect(try naive.matches(reference, .forbid)) }
    if !explanation.forbidding.isEmpty { return false }
    for reference in explanation.allowing { #expect(try naive.matches(reference, .allow)) }
    if explanation.builtIn != nil || !explanation.allowing.isEmpty {
      // Nothing forbids: the explanation would have named it, which the naive evaluator checks.
      return true
    }
    // Every allow rule of every binding must be shown to miss by something that is true.
    for document in set.documents {
      guard case .binding(let binding) = document.body else { continue }
      let misses = explanation.misses.filter { $0.binding == document.name }
      try #require(!misses.isEmpty || explanation.request.principal.kind == .server)
      for miss in misses {
        for missing in miss.missing { #expect(try naive.isTrue(missing, of: miss)) }
      }
      let ofBinding = misses.contains { miss in
        miss.missing.contains { missing in
          switch missing {
          case .subject, .bindingExpired, .bindingCondition: true
          default: false
          }
        }
      }
      if ofBinding { continue }
      let shown = Set(misses.compactMap(\.rule))
      let rules = set.rules(ofRole: binding.role)
      for index in rules.indices where rules[index].effect == .allow {
        #expect(shown.contains(index), "\(document.name) #\(index)")
      }
    }
    return false
  }
}

/// Single claims of explanations, decided with `NaiveEvaluator` on documents cut down to one claim.
private struct NaiveParts {
  let set: PolicySet
  let request: PolicyRequest

  private func parts(_ binding: String, _ rule: Int) throws -> (PolicyBinding, PolicyRule) {
    guard case .binding(let body)? = set.document(.binding, binding)?.body else {
      throw PolicyProblem(nil, "no binding \(binding)")
    }
    return (body, try #require(set.rules(ofRole: body.role).dropFirst(rule).first))
  }

  /// Whether a policy of that rule alone allows, were it an allow rule.
  private func allows(_ binding: PolicyBinding, _ rule: PolicyRule) throws -> Bool {
    let alone = try PolicySet([
      PolicyDocument(
        name: "r",
        body: .role(
          PolicyRole(rules: [
            PolicyRule(
              effect: .allow,
              operations: rule.operationPatterns,
              resources: rule.resources,
              conditions: rule.conditions,
              expires: rule.expires
            )
          ])
        )
      ),
      PolicyDocument(
        name: "b",
        body: .binding(
          PolicyBinding(
            role: "r",
            subjects: binding.subjects,
            conditions: binding.conditions,
            expires: binding.expires
          )
        )
      ),
    ])
    return NaiveEvaluator(set: alone, officerUIDs: []).isAllowed(request)
  }

  func matches(
    _ reference: Explanation.RuleReference,
    _ effect: PolicyRule.Effect
  ) throws -> Bool {
    let (binding, rule) = try parts(reference.binding, reference.index)
    return try rule.effect == effect && binding.role == reference.role && allows(binding, rule)
  }

  /// Whether what is said to be missing is: the rule with nothing but that part does not match.
  func isTrue(_ missing: Explanation.Missing, of miss: Explanation.Miss) throws -> Bool {
    guard case .binding(let binding)? = set.document(.binding, miss.binding)?.body else {
      return false
    }
    let rules = set.rules(ofRole: binding.role)
    if missing == .noRule { return rules.allSatisfy { $0.effect == .forbid } }
    let rule = miss.rule.map { rules[$0] }
    let anybody = [PolicySubject(issuer: .present)]
    let anything = [ResourcePattern(segments: [], hasRest: true)]
    func only(
      subjects: [PolicySubject] = anybody,
      operations: [String] = ["*"],
      resources: [ResourcePattern] = anything,
      conditions: [PolicyCondition] = [],
      expires: Timestamp? = nil
    ) throws -> Bool {
      try !allows(
        PolicyBinding(role: "r", subjects: subjects),
        PolicyRule(
          effect: .allow,
          operations: operations,
          resources: resources,
          conditions: conditions,
          expires: expires
        )
      )
    }
    switch missing {
    case .subject: return try only(subjects: binding.subjects)
    case .bindingExpired(let time): return try binding.expires == time && only(expires: time)
    case .bindingCondition(let index): return try only(conditions: [binding.conditions[index]])
    case .operation: return try only(operations: rule?.operationPatterns ?? [])
    case .resource: return try only(resources: rule?.resources ?? [])
    case .ruleCondition(let index):
      return try only(conditions: (rule?.conditions[index]).map { [$0] } ?? [])
    case .ruleExpired(let time): return try rule?.expires == time && only(expires: time)
    case .noRule: return false
    }
  }
}
