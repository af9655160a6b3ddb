import KeywardModel

/// A policy as the boxes of its rules, for the analyses.
struct AnalyzedPolicy: Sendable {
  static let mostBoxes = 400_000

  let policy: CompiledPolicy
  let allow: [RuleBox]
  let forbid: [RuleBox]
  let approvals: [RuleBox]
  let allowIndex: BoxIndex
  let forbidIndex: BoxIndex
  let approvalIndex: BoxIndex
  /// The constraints of the boxes above, to see at once what two policies share.
  let allowed: Set<[Constraint]>
  let forbidden: Set<[Constraint]>
  let approved: Set<Approved>

  /// Where an approval rule counts, with what it asks for.
  struct Approved: Hashable, Sendable {
    let constraints: [Constraint]
    let tree: ApprovalTree
    let validFor: Int64
  }

  init(_ policy: CompiledPolicy) throws(PolicyAnalysisError) {
    self.policy = policy
    var allow = Self.builtIn(policy.officerUIDs)
    var forbid: [RuleBox] = []
    for binding in policy.bindings {
      let role = policy.roles[binding.role]
      let ofBinding = try Self.product(
        binding.body.subjects.map { Constraint.subject($0) },
        Constraint.conditions(binding.body.conditions)
      )
      for (index, rule) in role.rules.enumerated() {
        let reference = Explanation.RuleReference(
          binding: binding.name,
          role: role.name,
          index: index
        )
        let boxes = try Self.product(ofBinding, Self.rule(rule)).compactMap { constraints in
          RuleBox(
            constraints + Constraint.expiry(binding.body.expires),
            reference: reference
          )
        }
        if rule.effect == .allow { allow += boxes } else { forbid += boxes }
        guard allow.count + forbid.count <= Self.mostBoxes else { throw .tooLarge }
      }
    }
    var approvals: [RuleBox] = []
    for rule in policy.approvalRules {
      let resources = rule.body.resources.map { Constraint.resource($0) }
      let boxes = try Self.product(resources, Constraint.conditions(rule.body.conditions))
      approvals += boxes.compactMap { constraints in
        RuleBox(
          [Constraint.nameableKinds, .operations(rule.body.operations)] + constraints,
          requirement: rule.requirement
        )
      }
    }
    self.allow = allow
    self.forbid = forbid
    self.approvals = approvals
    allowIndex = BoxIndex(allow)
    forbidIndex = BoxIndex(forbid)
    approvalIndex = BoxIndex(approvals)
    allowed = Set(allow.map(\.constraints))
    forbidden = Set(forbid.map(\.constraints))
    approved = Set(approvals.compactMap(Self.approved))
  }

  static func approved(_ box: RuleBox) -> Approved? {
    box.requirement.map {
      Approved(constraints: box.constraints, tree: $0.tree, validFor: $0.validFor)
    }
  }

  /// Operation, resource, conditions and expiry; who asks aside.
  private static func rule(
    _ rule: PolicyRule
  ) throws(PolicyAnalysisError) -> Constraint.Alternatives {
    let expiry = Constraint.expiry(rule.expires)
    let what = rule.resources.map { pattern in
      [Constraint.operations(rule.operations)] + Constraint.resource(pattern) + expiry
    }
    return try product(what, Constraint.conditions(rule.conditions))
  }

  /// Both of two, counted before they are made: one rule alone can have more than memory has room for.
  private static func product(
    _ left: Constraint.Alternatives,
    _ right: Constraint.Alternatives
  ) throws(PolicyAnalysisError) -> Constraint.Alternatives {
    guard left.count <= mostBoxes / max(right.count, 1) else { throw .tooLarge }
    return Constraint.all(left, right)
  }

  private static func builtIn(_ officerUIDs: Set<UInt32>) -> [RuleBox] {
    var boxes: [RuleBox?] = officerUIDs.sorted().map { uid in
      RuleBox(
        [Constraint.kind([.unixPeer])] + Constraint.name("uid:\(uid)"),
        builtIn: .securityOfficer
      )
    }
    boxes.append(
      RuleBox(
        [
          Constraint.nameableKinds, .operations(BuiltInBinding.ownOperations), .pathLength(0b10),
          .segment(0, .only(["self"])),
        ],
        builtIn: .own
      )
    )
    for length in 1...8 {
      var constraints: [Constraint] = [
        .kind([.kmsSocket]), .value(.issuer, .only([BuiltInIssuer.kms.rawValue])),
        .operations(OperationSet([.keyEncrypt, .keyDecrypt])), .nameLength(1 << UInt64(length)),
        .pathLength(1 << UInt64(length + 1)), .segment(0, .only(["keys"])),
      ]
      for part in 0..<length { constraints.append(.segmentIsNamePart(part + 1, part)) }
      boxes.append(RuleBox(constraints, builtIn: .kmsPlugin))
    }
    return boxes.compactMap(\.self)
  }

  /// The principals that there can be, each in one region: what an issuer that is built in gives
  /// has no attributes but those that it knows.
  static let principals: [Region] = {
    let reserved = BuiltInIssuer.allCases.map(\.rawValue)
    func region(_ kinds: [Principal.Kind], _ issuer: ValueDomain) -> Region {
      var region = Region()
      region.kinds = 0
      if case .kinds(let bits) = Constraint.kind(kinds) { region.kinds = bits }
      region.attributes[.issuer] = issuer
      return region
    }
    var unix = region([.unixPeer], .only([BuiltInIssuer.unix.rawValue]))
    unix.otherAttributes = .absent
    unix.nameLengths = 0b10
    unix.nameParts[0] = .of(.uid)
    // The server's configuration gives a socket any name, and perhaps a cluster and an environment.
    var socket = region([.kmsSocket], .only([BuiltInIssuer.kms.rawValue]))
    socket.attributes[.cluster] = .anything
    socket.attributes[.environment] = .anything
    socket.otherAttributes = .absent
    return [
      unix, socket,
      region([.kmsSocket, .certificate, .jwt], .except(reserved)),
      region([.token], .only([BuiltInIssuer.tokens.rawValue])),
      region([.machineRole], .only([BuiltInIssuer.roles.rawValue])),
    ]
  }()
}

/// Why an analysis gives no answer; it never gives a wrong one instead.
package enum PolicyAnalysisError: Error, Hashable, Sendable, CustomStringConvertible {
  /// More cases than it looks at.
  case tooLarge
  /// An example that was found is none: a fault of the analysis itself.
  case contradiction(String)

  package var description: String {
    switch self {
    case .tooLarge:
      "These policies interlock in more ways than are looked at; analyse fewer documents at a time."
    case .contradiction(let words): "The analysis contradicts the decision: \(words)"
    }
  }
}
