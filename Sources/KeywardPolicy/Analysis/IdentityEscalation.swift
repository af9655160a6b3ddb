package import KeywardModel

/// Identities that somebody can take on, or let others take on: a token of some name, or all that an
/// issuer vouches for.
package struct IdentitySet: Hashable, Sendable {
  /// What an attribute can be.
  package enum Value: Hashable, Sendable {
    /// Anything, or absent.
    case any
    /// Just this, or absent.
    case exactly(String?)
  }

  package let kind: Principal.Kind
  package let issuers: Set<String>
  /// Nil is any name.
  package let name: String?
  package let cluster: Value
  package let environment: Value

  package init(
    kind: Principal.Kind,
    issuers: Set<String>,
    name: String? = nil,
    cluster: Value = .any,
    environment: Value = .any
  ) {
    self.kind = kind
    self.issuers = issuers
    self.name = name
    self.cluster = cluster
    self.environment = environment
  }

  /// One principal, whatever its claims.
  package init(_ principal: Principal) {
    self.init(
      kind: principal.kind,
      issuers: [principal.issuer],
      name: principal.name,
      cluster: .exactly(principal.cluster),
      environment: .exactly(principal.environment)
    )
  }

  /// What a request of one of them meets under a policy that asks for these claims.
  func constraints(_ claims: Set<PolicyAttribute>) -> [Constraint] {
    // JWTs alone have claims.
    let without = kind == .jwt ? [] : claims.sorted().map { Constraint.value($0, .absent) }
    return without + [.kind([kind]), .value(.issuer, .only(issuers))]
      + (name.map { Constraint.name($0) } ?? [])
      + Self.constraint(.cluster, cluster) + Self.constraint(.environment, environment)
  }

  private static func constraint(_ attribute: PolicyAttribute, _ value: Value) -> [Constraint] {
    switch value {
    case .any: []
    case .exactly(nil): [.value(attribute, .absent)]
    case .exactly(let text?): [.value(attribute, .only([text]))]
    }
  }

  /// Whether one of them may be among these; a quick look that errs towards yes.
  func mayBe(_ subject: PolicySubject) -> Bool {
    func may(_ match: PolicySubject.Match?, _ value: Value) -> Bool {
      guard case .exactly(let text) = value, let match else { return true }
      return match.matches(text)
    }
    return (subject.kind ?? kind) == kind
      && (subject.issuer == .present || issuers.contains { subject.issuer.matches($0) })
      && (name.map { subject.name?.matches($0) ?? true } ?? true)
      && may(subject.cluster, cluster) && may(subject.environment, environment)
  }
}

extension CompiledPolicy {
  /// The claims that any rule or binding asks for.
  fileprivate var claims: Set<PolicyAttribute> {
    var asked: [PolicyAttribute] = []
    func look(_ conditions: [PolicyCondition]) {
      for condition in conditions {
        switch condition {
        case .isIn(let attribute, _), .isNotIn(let attribute, _): asked.append(attribute)
        case .period, .source, .weekly: break
        }
      }
    }
    func look(_ patterns: [ResourcePattern]) {
      for segment in patterns.flatMap(\.segments) {
        if case .attribute(let attribute) = segment { asked.append(attribute) }
      }
    }
    for rule in roles.flatMap(\.rules) {
      look(rule.conditions)
      look(rule.resources)
    }
    for binding in bindings { look(binding.body.conditions) }
    for rule in approvalRules {
      look(rule.body.conditions)
      look(rule.body.resources)
    }
    return Set(
      asked.filter {
        if case .claim = $0 { return true }
        return false
      }
    )
  }
}

extension PolicyEscalation {
  /// What `identities` may do and `maker`, who is about to let somebody be one of them, does not hold;
  /// nil if that is nothing.
  ///
  /// The maker holds what the policy lets the maker do, at the same time and from the same address,
  /// with no more approvals. That one of them may approve is never held. Whoever has `policy:escalate`,
  /// and needs no approval for it, may make what they like.
  package static func find(
    _ policy: CompiledPolicy,
    letting maker: Principal,
    be identities: IdentitySet,
    time: Timestamp,
    source: NetworkAddress?,
    steps: Int? = nil
  ) throws(PolicyAnalysisError) -> PolicyEscalation? {
    // Only bindings give more than what everybody may do with their own identity.
    guard policy.bindings.contains(where: { $0.body.subjects.contains(where: identities.mayBe) }),
      !policy.mayEscalate(maker, time: time, source: source)
    else { return nil }
    let analyzed = try AnalyzedPolicy(policy)
    var search = EscalationSearch(old: analyzed, new: analyzed, writer: maker)
    if let steps { search.search.stepsLeft = steps }
    guard let example = try search.first(of: identities.constraints(policy.claims)) else {
      return nil
    }
    let decision = policy.decide(example)
    return PolicyEscalation(
      example: example,
      before: decision,
      after: decision,
      writer: policy.decide(example.asked(by: maker))
    )
  }
}
