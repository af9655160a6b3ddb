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
  /// By the numbers of the subject index.
  private let subjectEntries: [SubjectEntry]
  private let segments: SegmentTable
  private let approvalIndex: PatternIndex

  /// A class, as the two below: a decision passes them on without a copy of what they hold.
  final class Role: Sendable {
    let name: String
    let rules: [PolicyRule]
    let allow: PatternIndex
    let forbid: PatternIndex
    let hasForbid: Bool

    init(_ name: String, _ rules: [PolicyRule], _ segments: inout SegmentTable) {
      var allow = PatternIndex()
      var forbid = PatternIndex()
      for (number, rule) in rules.enumerated() {
        let entry = PatternIndex.Entry(rule.operations, rule: number, isAlways: rule.isAlways)
        for pattern in rule.resources {
          switch rule.effect {
          case .allow: allow.insert(pattern, entry, &segments)
          case .forbid: forbid.insert(pattern, entry, &segments)
          }
        }
      }
      self.name = name
      self.rules = rules
      self.allow = allow
      self.forbid = forbid
      hasForbid = !forbid.isEmpty
    }
  }

  final class Binding: Sendable {
    let name: String
    let body: PolicyBinding
    let role: Int
    /// The names of the first rules, `NAME/ROLE#INDEX`, made once.
    private let ids: [String]
    /// Whether the binding has neither conditions nor an expiry.
    let isAlways: Bool

    init(_ name: String, _ body: PolicyBinding, role: Int, rules: Int) {
      self.name = name
      self.body = body
      self.role = role
      ids = (0..<min(rules, 16)).map { "\(name)/\(body.role)#\($0)" }
      isAlways = body.conditions.isEmpty && body.expires == nil
    }

    /// The rule as decisions name it.
    func id(of rule: Int) -> String {
      rule < ids.count ? ids[rule] : "\(name)/\(body.role)#\(rule)"
    }
  }

  private final class SubjectEntry: Sendable {
    let subject: PolicySubject
    let binding: Binding
    let number: Int

    init(_ subject: PolicySubject, _ binding: Binding, _ number: Int) {
      self.subject = subject
      self.binding = binding
      self.number = number
    }
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
      roles.append(Role(name, rules, &segments))
    }
    for role in BuiltInRole.allCases { add(role.rawValue, role.rules) }
    for document in set.documents {
      if case .role(let role) = document.body { add(document.name, role.rules) }
    }
    var bindings: [Binding] = []
    var subjects = SubjectIndex()
    var entries: [SubjectEntry] = []
    var approvalRules: [ApprovalRule] = []
    var approvalIndex = PatternIndex()
    for document in set.documents {
      switch document.body {
      case .role: break
      case .binding(let body):
        guard let role = roleNumbers[body.role] else { continue }
        let binding = Binding(document.name, body, role: role, rules: roles[role].rules.count)
        for subject in body.subjects {
          subjects.insert(subject, Int32(entries.count))
          entries.append(SubjectEntry(subject, binding, bindings.count))
        }
        bindings.append(binding)
      case .approvalRule(let body):
        for pattern in body.resources {
          let entry = PatternIndex.Entry(
            body.operations,
            rule: approvalRules.count,
            isAlways: false
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

  // MARK: - Decisions

  /// Decides; nothing but the request counts, and everything in it that a client could have invented
  /// has been proved before.
  package func decide(_ request: PolicyRequest) -> Decision {
    let asked = AskedPath(request, segments)
    switch ruling(request, asked) {
    case .forbidden(let rule): return Decision(isAllowed: false, rule: rule)
    case .none: return Decision(isAllowed: false, rule: nearest(request))
    case .allowed(let rule):
      let approvals = request.principal.isNameable ? approvals(request, asked) : []
      return Decision(isAllowed: true, rule: rule, approvals: approvals)
    }
  }

  /// Decides on what leads to another resource: a value that is inherited.
  ///
  /// What allows it is the request's own. What forbids the operation on `source`, or asks for approval
  /// of it, counts as if the request had named it.
  package func decide(_ request: PolicyRequest, reaching source: ResourcePath?) -> Decision {
    let own = decide(request)
    guard let source, own.isAllowed else { return own }
    let behind = request.about(source)
    let asked = AskedPath(behind, segments)
    if case .forbidden(let rule) = ruling(behind, asked) {
      return Decision(isAllowed: false, rule: rule)
    }
    guard request.principal.isNameable else { return own }
    let more = approvals(behind, asked).filter { !own.approvals.contains($0) }
    return Decision(isAllowed: true, rule: own.rule, approvals: own.approvals + more)
  }

  /// Whether the request is allowed, with approvals or without; as `decide`, without its reasons, whose
  /// search a refusal mostly is.
  package func isAllowed(_ request: PolicyRequest) -> Bool {
    if case .allowed = ruling(request, AskedPath(request, segments)) { return true }
    return false
  }

  private enum Ruling {
    case allowed(String)
    case forbidden(String)
    case none
  }

  private func ruling(_ request: PolicyRequest, _ asked: borrowing AskedPath) -> Ruling {
    let builtIn = BuiltInBinding.allowing(request, officerUIDs: officerUIDs)
    guard request.principal.isNameable else {
      return builtIn.map { .allowed($0.rawValue) } ?? .none
    }
    var numbers: [Int32] = []
    subjects.find(request.principal, &numbers)
    var allowed = ""
    for number in numbers {
      let entry = subjectEntries[Int(number)]
      guard entry.subject.matches(request.principal),
        entry.binding.isAlways || entry.binding.body.counts(for: request)
      else { continue }
      let role = roles[entry.binding.role]
      if role.hasForbid {
        let rule = role.forbid.first(asked, request, of: role.rules)
        if rule >= 0 { return .forbidden(entry.binding.id(of: rule)) }
      }
      if builtIn == nil, allowed.isEmpty {
        let rule = role.allow.first(asked, request, of: role.rules)
        if rule >= 0 { allowed = entry.binding.id(of: rule) }
      }
    }
    if let builtIn { return .allowed(builtIn.rawValue) }
    return allowed.isEmpty ? .none : .allowed(allowed)
  }

  private func approvals(
    _ request: PolicyRequest,
    _ asked: borrowing AskedPath
  ) -> [ApprovalRequirement] {
    guard !approvalRules.isEmpty else { return [] }
    var found: Set<Int> = []
    approvalIndex.find(asked, request, &found)
    found = found.filter { approvalRules[$0].body.conditions.hold(request) }
    return found.sorted().map { approvalRules[$0].requirement }
  }

  /// The numbers of the bindings that have the principal as a subject, whether they hold now or not.
  func candidates(_ principal: Principal, most: Int) -> [Int] {
    guard principal.isNameable else { return [] }
    var numbers: [Int32] = []
    subjects.find(principal, &numbers)
    var found: [Int] = []
    var seen: Set<Int> = []
    for number in numbers where found.count < most {
      let entry = subjectEntries[Int(number)]
      if !seen.contains(entry.number), entry.subject.matches(principal) {
        seen.insert(entry.number)
        found.append(entry.number)
      }
    }
    return found
  }

  func ruleID(_ binding: Int, _ rule: Int) -> String {
    bindings[binding].id(of: rule)
  }
}

extension PolicyRule {
  /// Whether the rule has neither conditions nor an expiry.
  var isAlways: Bool { conditions.isEmpty && expires == nil }

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
