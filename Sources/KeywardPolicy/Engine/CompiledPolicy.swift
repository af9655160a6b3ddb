import KeywardModel

/// A policy in the form that decides: indexes over bindings and rules; a pure function of the request.
///
/// Default deny, forbid wins, and the order of rules and documents never matters. A decision looks
/// only at the bindings that the principal's issuer, cluster and name lead to, and of their roles at
/// the rules that operation and resource lead to.
package final class CompiledPolicy: Sendable {
  package let set: PolicySet
  package let officerUIDs: Set<UInt32>

  let roles: [Role]
  let bindings: [Binding]
  let approvalRules: [ApprovalRule]
  private let subjects: SubjectIndex
  /// The binding of each subject's number, with the subject.
  private let subjectEntries: [(binding: Int32, subject: PolicySubject)]
  private let segments: SegmentTable
  private let approvalIndex: PatternIndex

  struct Role: Sendable {
    let name: String
    let rules: [PolicyRule]
    let allow: PatternIndex
    let forbid: PatternIndex
    let hasForbid: Bool
  }

  struct Binding: Sendable {
    let name: String
    let body: PolicyBinding
    let role: Int
  }

  struct ApprovalRule: Sendable {
    let body: PolicyApprovalRule
    let requirement: ApprovalRequirement
  }

  package init(_ set: PolicySet, officerUIDs: Set<UInt32>) {
    self.set = set
    self.officerUIDs = officerUIDs
    var segments = SegmentTable()
    var roles: [Role] = []
    var roleNumbers: [String: Int] = [:]
    func add(_ name: String, _ rules: [PolicyRule]) {
      roleNumbers[name] = roles.count
      roles.append(Self.role(name, rules, &segments))
    }
    for role in BuiltInRole.allCases { add(role.rawValue, role.rules) }
    for document in set.documents {
      if case .role(let role) = document.body { add(document.name, role.rules) }
    }
    var bindings: [Binding] = []
    var subjects = SubjectIndex()
    var entries: [(binding: Int32, subject: PolicySubject)] = []
    var approvalRules: [ApprovalRule] = []
    var approvalIndex = PatternIndex()
    for document in set.documents {
      switch document.body {
      case .role: break
      case .binding(let body):
        guard let role = roleNumbers[body.role] else { continue }
        for subject in body.subjects {
          subjects.insert(subject, Int32(entries.count))
          entries.append((Int32(bindings.count), subject))
        }
        bindings.append(Binding(name: document.name, body: body, role: role))
      case .approvalRule(let body):
        for pattern in body.resources {
          let entry = PatternIndex.Entry(
            operations: body.operations,
            rule: Int32(approvalRules.count)
          )
          approvalIndex.insert(pattern, entry, &segments)
        }
        approvalRules.append(
          ApprovalRule(
            body: body,
            requirement: ApprovalRequirement(
              rule: document.name,
              tree: body.tree,
              validFor: body.validFor
            )
          )
        )
      }
    }
    self.roles = roles
    self.bindings = bindings
    self.approvalRules = approvalRules
    self.subjects = subjects
    subjectEntries = entries
    self.segments = segments
    self.approvalIndex = approvalIndex
  }

  /// The policy of a server without documents, or before its documents can be read.
  package static func builtIn(officerUIDs: Set<UInt32>) -> CompiledPolicy {
    CompiledPolicy(.empty, officerUIDs: officerUIDs)
  }

  private static func role(
    _ name: String,
    _ rules: [PolicyRule],
    _ segments: inout SegmentTable
  ) -> Role {
    var allow = PatternIndex()
    var forbid = PatternIndex()
    for (number, rule) in rules.enumerated() {
      let entry = PatternIndex.Entry(operations: rule.operations, rule: Int32(number))
      for pattern in rule.resources {
        switch rule.effect {
        case .allow: allow.insert(pattern, entry, &segments)
        case .forbid: forbid.insert(pattern, entry, &segments)
        }
      }
    }
    return Role(
      name: name,
      rules: rules,
      allow: allow,
      forbid: forbid,
      hasForbid: !forbid.isEmpty
    )
  }

  // MARK: - Decisions

  /// Decides; nothing but the request counts, and everything in it that a client could have invented
  /// has been proved before.
  package func decide(_ request: PolicyRequest) -> Decision {
    let builtIn = BuiltInBinding.allowing(request, officerUIDs: officerUIDs)
    guard request.principal.isNameable else {
      return builtIn.map { .allow($0.rawValue) } ?? .defaultDeny
    }
    let path = segments.numbers(of: request.resource)
    let bit = request.operation.bit
    var allowed: (binding: Int, rule: Int)?
    var forbidden: (binding: Int, rule: Int)?
    forEachBinding(of: request) { number in
      let role = roles[bindings[number].role]
      let counts = { (rule: Int) in role.rules[rule].counts(for: request) }
      if role.hasForbid, let rule = role.forbid.first(request, path, bit, counts) {
        forbidden = (number, rule)
        return true
      }
      if builtIn == nil, allowed == nil, let rule = role.allow.first(request, path, bit, counts) {
        allowed = (number, rule)
      }
      return false
    }
    if let forbidden {
      return Decision(isAllowed: false, rule: ruleID(forbidden.binding, forbidden.rule))
    }
    let rule: String
    if let builtIn {
      rule = builtIn.rawValue
    } else if let allowed {
      rule = ruleID(allowed.binding, allowed.rule)
    } else {
      return Decision(isAllowed: false, rule: nearest(request))
    }
    return Decision(isAllowed: true, rule: rule, approvals: approvals(request, path, bit))
  }

  private func approvals(
    _ request: PolicyRequest,
    _ path: [Int32],
    _ bit: UInt128
  ) -> [ApprovalRequirement] {
    guard !approvalRules.isEmpty else { return [] }
    var found: Set<Int> = []
    _ = approvalIndex.first(request, path, bit) { number in
      if !found.contains(number), approvalRules[number].body.conditions.hold(request) {
        found.insert(number)
      }
      return false
    }
    return found.sorted().map { approvalRules[$0].requirement }
  }

  /// Calls `body` with the number of each binding that has the principal and holds now, until true; a
  /// binding with two subjects that match comes twice.
  private func forEachBinding(of request: PolicyRequest, _ body: (Int) -> Bool) {
    subjects.forEach(request.principal) { number in
      let entry = subjectEntries[number]
      guard entry.subject.matches(request.principal),
        bindings[Int(entry.binding)].body.counts(for: request)
      else { return false }
      return body(Int(entry.binding))
    }
  }

  /// The numbers of the bindings that have the principal as a subject, whether they hold now or not.
  func candidates(_ principal: Principal, most: Int) -> [Int] {
    guard principal.isNameable else { return [] }
    var found: [Int] = []
    subjects.forEach(principal) { number in
      let entry = subjectEntries[number]
      if !found.contains(Int(entry.binding)), entry.subject.matches(principal) {
        found.append(Int(entry.binding))
      }
      return found.count == most
    }
    return found
  }

  func ruleID(_ binding: Int, _ rule: Int) -> String {
    let binding = bindings[binding]
    return "\(binding.name)/\(roles[binding.role].name)#\(rule)"
  }
}

extension PolicyRule {
  /// Whether the rule is there at that time and its conditions hold; operation and resource aside.
  func counts(for request: PolicyRequest) -> Bool {
    if let expires, request.time >= expires { return false }
    return conditions.hold(request)
  }
}

extension PolicyBinding {
  /// Whether the binding is there at that time and its conditions hold; subjects aside.
  func counts(for request: PolicyRequest) -> Bool {
    if let expires, request.time >= expires { return false }
    return conditions.hold(request)
  }
}

extension [PolicyCondition] {
  /// Whether all hold.
  func hold(_ request: PolicyRequest) -> Bool {
    allSatisfy { $0.holds(request) }
  }
}
