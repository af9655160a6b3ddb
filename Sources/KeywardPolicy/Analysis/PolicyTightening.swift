import KeywardModel

/// A smaller policy that still allows all that was used, with the rights that nobody used.
///
/// Bindings, subjects, rules, operations and resources of allow rules that no used request needed are
/// left out; a wildcard that few resources were used of becomes these resources, but for segments that
/// are an attribute of the principal. Forbid rules, approval
/// rules, conditions and expiries stay as they are.
package struct PolicyTightening: Hashable, Sendable {
  /// Up to how many resources take the place of a wildcard.
  package static let mostResources = 16

  /// A right that was not used, in the words of its document.
  package struct Unused: Hashable, Sendable, CustomStringConvertible {
    package let document: PolicySet.Identity
    /// The rule or subject in the document; nil if all of the document.
    package let index: Int?
    package let words: String

    package var description: String {
      "\(document.kind.rawValue) \(document.name)" + (index.map { "#\($0)" } ?? "") + ": \(words)"
    }
  }

  package let unused: [Unused]
  package let proposal: PolicySet
  /// Used requests that the policy of today does not allow; the proposal does not have to.
  package let notAllowed: [PolicyRequest]

  /// Proposes, and proves: every used request that is allowed today stays allowed, and the proposal is
  /// contained in the policy; throws if either does not come out.
  package init(
    _ policy: CompiledPolicy,
    used: some Sequence<PolicyRequest>,
    steps: Int? = nil
  ) throws(PolicyAnalysisError) {
    var usage = PolicyUsage(policy)
    var kept: [PolicyRequest] = []
    var notAllowed: [PolicyRequest] = []
    var seen: Set<PolicyRequest> = []
    for request in used where seen.insert(request).inserted {
      if policy.decide(request).isAllowed {
        kept.append(request)
        usage.note(request)
      } else {
        notAllowed.append(request)
      }
    }
    self.notAllowed = notAllowed
    let (documents, unused) = usage.proposal()
    do throws(PolicyError) {
      proposal = try PolicySet(documents)
    } catch {
      throw .contradiction("the proposal is no policy: \(error)")
    }
    self.unused = unused
    let compiled = CompiledPolicy(proposal, officerUIDs: policy.officerUIDs)
    for request in kept where !compiled.decide(request).isAllowed {
      throw .contradiction(
        "the proposal refuses \(request.operation.rawValue) on \(request.resource)"
      )
    }
    if let access = try PolicyDifference.access(of: compiled, notIn: policy, steps: steps) {
      throw .contradiction("the proposal allows more by \(access.rule)")
    }
  }
}

/// Which parts of a policy requests needed.
private struct PolicyUsage {
  private let policy: CompiledPolicy
  /// By binding: the subjects that matched.
  private var subjects: [Int: Set<Int>] = [:]
  /// By role: what each rule was used for.
  private var rules: [RuleNumber: RuleUsage] = [:]

  private struct RuleNumber: Hashable {
    let role: Int
    let rule: Int
  }

  private struct RuleUsage {
    var operations: Set<ServiceOperation> = []
    /// By pattern: the resources that it was needed for; nil when they are too many to list.
    var resources: [Int: Set<ResourcePath>?] = [:]
  }

  init(_ policy: CompiledPolicy) {
    self.policy = policy
  }

  /// Notes what allowed the request: of all that did, the first binding and rule.
  mutating func note(_ request: PolicyRequest) {
    guard BuiltInBinding.allowing(request, officerUIDs: policy.officerUIDs) == nil else { return }
    for number in policy.candidates(request.principal, most: .max).sorted() {
      let binding = policy.bindings[number]
      guard binding.body.counts(for: request) else { continue }
      for (index, rule) in policy.roles[binding.role].rules.enumerated()
      where rule.effect == .allow && rule.matches(request) {
        let subject = binding.body.subjects.firstIndex { $0.matches(request.principal) }
        let pattern = rule.resources.firstIndex {
          $0.matches(request.resource, for: request.principal)
        }
        guard let subject, let pattern else { continue }
        subjects[number, default: []].insert(subject)
        note(request, RuleNumber(role: binding.role, rule: index), rule, pattern)
        return
      }
    }
  }

  private mutating func note(
    _ request: PolicyRequest,
    _ number: RuleNumber,
    _ rule: PolicyRule,
    _ pattern: Int
  ) {
    var usage = rules[number] ?? RuleUsage()
    usage.operations.insert(request.operation)
    let isWildcard =
      rule.resources[pattern].hasRest || rule.resources[pattern].segments.contains(.any)
    if isWildcard, let known = usage.resources[pattern, default: Set()] {
      let all = known.union([request.resource])
      let canList =
        all.count <= PolicyTightening.mostResources
        && all.allSatisfy { $0.segments.count <= ResourcePattern.longestPattern }
      usage.resources[pattern] = .some(canList ? all : nil)
    } else {
      usage.resources[pattern] = .some(nil)
    }
    rules[number] = usage
  }

  /// The documents without what was not needed.
  func proposal() -> ([PolicyDocument], [PolicyTightening.Unused]) {
    var documents: [PolicyDocument] = []
    var unused: [PolicyTightening.Unused] = []
    let keptBindings = policy.bindings.indices.filter { number in
      subjects[number] != nil || policy.roles[policy.bindings[number].role].hasForbid
    }
    let keptRoles = Set(keptBindings.map { policy.bindings[$0].role })
    var names = Set(policy.roles.map(\.name))
    var roleNames: [Int: String] = [:]
    for (number, role) in policy.roles.enumerated() {
      let document = policy.set.document(.role, role.name)
      let identity = PolicySet.Identity(kind: .role, name: role.name)
      guard keptRoles.contains(number) else {
        if document != nil { unused.append(.init(document: identity, index: nil, words: "role")) }
        continue
      }
      let rules = self.rules(of: role, number, identity, &unused)
      if document == nil, rules == role.rules { continue }
      // A built-in role cannot be changed: its users get a role of their own.
      var name = role.name
      if document == nil {
        name += "-used"
        while !names.insert(name).inserted { name += "-used" }
        roleNames[number] = name
      }
      documents.append(
        PolicyDocument(
          name: name,
          description: document?.description,
          body: .role(PolicyRole(rules: rules))
        )
      )
    }
    for (number, binding) in policy.bindings.enumerated() {
      let identity = PolicySet.Identity(kind: .binding, name: binding.name)
      guard keptBindings.contains(number) else {
        unused.append(.init(document: identity, index: nil, words: "binding"))
        continue
      }
      documents.append(bindingDocument(number, roleNames, &unused))
    }
    documents += policy.set.documents.filter { $0.kind == .approvalRule }
    return (documents, unused)
  }

  private func bindingDocument(
    _ number: Int,
    _ roleNames: [Int: String],
    _ unused: inout [PolicyTightening.Unused]
  ) -> PolicyDocument {
    let binding = policy.bindings[number]
    let identity = PolicySet.Identity(kind: .binding, name: binding.name)
    // A subject that a forbid rule is about stays.
    let keepsAll = policy.roles[binding.role].hasForbid
    var subjects: [PolicySubject] = []
    for (index, subject) in binding.body.subjects.enumerated() {
      let isUsed = self.subjects[number]?.contains(index) ?? false
      if !isUsed { unused.append(.init(document: identity, index: index, words: "subject")) }
      if isUsed || keepsAll { subjects.append(subject) }
    }
    return PolicyDocument(
      name: binding.name,
      description: policy.set.document(.binding, binding.name)?.description,
      body: .binding(
        PolicyBinding(
          role: roleNames[binding.role] ?? binding.body.role,
          subjects: subjects,
          conditions: binding.body.conditions,
          expires: binding.body.expires
        )
      )
    )
  }

  private func rules(
    of role: CompiledPolicy.Role,
    _ number: Int,
    _ identity: PolicySet.Identity,
    _ unused: inout [PolicyTightening.Unused]
  ) -> [PolicyRule] {
    var rules: [PolicyRule] = []
    for (index, rule) in role.rules.enumerated() {
      guard rule.effect == .allow else {
        rules.append(rule)
        continue
      }
      guard let usage = self.rules[RuleNumber(role: number, rule: index)] else {
        unused.append(.init(document: identity, index: index, words: "rule"))
        continue
      }
      let operations = rule.operations.operations.filter { !usage.operations.contains($0) }
      if !operations.isEmpty {
        let names = operations.map(\.rawValue).joined(separator: ", ")
        unused.append(.init(document: identity, index: index, words: "operations \(names)"))
      }
      var resources: [ResourcePattern] = []
      for (place, pattern) in rule.resources.enumerated() {
        guard let paths = usage.resources[place] else {
          unused.append(.init(document: identity, index: index, words: "resource \(pattern)"))
          continue
        }
        if let paths {
          for path in paths.sorted() {
            let narrowed = pattern.narrowed(to: path)
            if !resources.contains(narrowed) { resources.append(narrowed) }
          }
          unused.append(
            .init(
              document: identity,
              index: index,
              words: "resource \(pattern) beyond \(paths.count) used"
            )
          )
        } else {
          resources.append(pattern)
        }
      }
      rules.append(
        PolicyRule(
          effect: .allow,
          operations: operations.isEmpty
            ? rule.operationPatterns : usage.operations.map(\.rawValue).sorted(),
          resources: resources,
          conditions: rule.conditions,
          expires: rule.expires
        )
      )
    }
    return rules
  }
}

extension ResourcePattern {
  /// The pattern with the segments of `path`, which it matches, in place of its wildcards; what is an
  /// attribute of the principal stays one.
  fileprivate func narrowed(to path: ResourcePath) -> ResourcePattern {
    let segments = path.segments.enumerated().map { index, text in
      if index < self.segments.count, case .attribute = self.segments[index] {
        return self.segments[index]
      }
      return Segment.literal(String(text))
    }
    return ResourcePattern(segments: segments, hasRest: false)
  }
}
