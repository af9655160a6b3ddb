package import KeywardModel

/// One document of the policy: a role, a binding or an approval rule.
package struct PolicyDocument: Hashable, Sendable {
  package enum Kind: String, CaseIterable, Sendable {
    case role = "Role"
    case binding = "Binding"
    case approvalRule = "ApprovalRule"
  }

  package enum Body: Hashable, Sendable {
    case role(PolicyRole)
    case binding(PolicyBinding)
    case approvalRule(PolicyApprovalRule)
  }

  /// 1 to 64 of `a-z 0-9 . _ -`, beginning with a letter or digit; one spelling of each name.
  package let name: String
  package let description: String?
  package let body: Body
  /// Where it was read; of no account when documents are compared.
  package let place: PolicyPlace?

  package init(name: String, description: String? = nil, body: Body, place: PolicyPlace? = nil) {
    self.name = name
    self.description = description
    self.body = body
    self.place = place
  }

  package var kind: Kind {
    switch body {
    case .role: .role
    case .binding: .binding
    case .approvalRule: .approvalRule
    }
  }

  package static func == (left: PolicyDocument, right: PolicyDocument) -> Bool {
    left.name == right.name && left.description == right.description && left.body == right.body
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(body)
  }
}

/// Rules under a name, to be bound to principals.
package struct PolicyRole: Hashable, Sendable {
  package let rules: [PolicyRule]

  package init(rules: [PolicyRule]) {
    self.rules = rules
  }
}

/// What is allowed or forbidden.
package struct PolicyRule: Hashable, Sendable {
  package enum Effect: String, Sendable {
    case allow
    case forbid
  }

  package let effect: Effect
  /// As written: operations, `NOUN:*`, `*`.
  package let operationPatterns: [String]
  package let operations: OperationSet
  package let resources: [ResourcePattern]
  package let conditions: [PolicyCondition]
  /// The moment from which the rule is as if it were not there.
  package let expires: Timestamp?

  /// Patterns that are none name no operation.
  package init(
    effect: Effect,
    operations: [String],
    resources: [ResourcePattern],
    conditions: [PolicyCondition] = [],
    expires: Timestamp? = nil
  ) {
    self.effect = effect
    operationPatterns = operations
    self.operations = operations.reduce(OperationSet(bits: 0)) { set, pattern in
      OperationSet(pattern: pattern).map(set.union) ?? set
    }
    self.resources = resources
    self.conditions = conditions
    self.expires = expires
  }
}

/// Who has a role.
package struct PolicyBinding: Hashable, Sendable {
  package let role: String
  package let subjects: [PolicySubject]
  package let conditions: [PolicyCondition]
  package let expires: Timestamp?
  /// Where the role is named; of no account when bindings are compared.
  package let rolePlace: PolicyPlace?

  package init(
    role: String,
    subjects: [PolicySubject],
    conditions: [PolicyCondition] = [],
    expires: Timestamp? = nil,
    rolePlace: PolicyPlace? = nil
  ) {
    self.role = role
    self.subjects = subjects
    self.conditions = conditions
    self.expires = expires
    self.rolePlace = rolePlace
  }

  package static func == (left: PolicyBinding, right: PolicyBinding) -> Bool {
    left.role == right.role && left.subjects == right.subjects
      && left.conditions == right.conditions && left.expires == right.expires
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(role)
    hasher.combine(subjects)
  }
}

/// What needs the approval of others besides being allowed.
package struct PolicyApprovalRule: Hashable, Sendable {
  package static let defaultValidity: Int64 = 24 * 3600
  package static let longestValidity: Int64 = 30 * 24 * 3600

  package let operationPatterns: [String]
  package let operations: OperationSet
  package let resources: [ResourcePattern]
  package let conditions: [PolicyCondition]
  package let tree: ApprovalTree
  /// How long approvals count, in seconds.
  package let validFor: Int64

  /// Patterns that are none name no operation.
  package init(
    operations: [String],
    resources: [ResourcePattern],
    conditions: [PolicyCondition] = [],
    tree: ApprovalTree,
    validFor: Int64 = defaultValidity
  ) {
    operationPatterns = operations
    self.operations = operations.reduce(OperationSet(bits: 0)) { set, pattern in
      OperationSet(pattern: pattern).map(set.union) ?? set
    }
    self.resources = resources
    self.conditions = conditions
    self.tree = tree
    self.validFor = validFor
  }

  /// The rule for the operations that it has besides these; nil if there are none.
  ///
  /// A pattern that covers one of these is written out, so operations of a later version are not in it.
  package func without(_ gone: OperationSet) -> PolicyApprovalRule? {
    let left = operationPatterns.flatMap { pattern -> [String] in
      guard let set = OperationSet(pattern: pattern), set.bits & gone.bits != 0 else {
        return [pattern]
      }
      return set.operations.filter { !gone.contains($0) }.map(\.rawValue)
    }
    guard !left.isEmpty else { return nil }
    var seen: Set<String> = []
    return PolicyApprovalRule(
      operations: left.filter { seen.insert($0).inserted },
      resources: resources,
      conditions: conditions,
      tree: tree,
      validFor: validFor
    )
  }
}
