import KeywardModel
import KeywardPolicy

/// Policies and requests from a few names, so that they often meet; every feature of the language.
struct RandomPolicy {
  /// Which parts of the language a policy uses: fewer, so that a small universe has all there is.
  struct Features: OptionSet {
    let rawValue: Int
    static let templates = Features(rawValue: 1)
    static let claims = Features(rawValue: 2)
    static let names = Features(rawValue: 4)
    static let sources = Features(rawValue: 8)
    static let times = Features(rawValue: 16)
    static let approvals = Features(rawValue: 32)
    static let environments = Features(rawValue: 64)
    static let kinds = Features(rawValue: 128)
    static let everything = Features(rawValue: 255)
  }

  var random: SplitMix
  var features: Features

  static let issuers = ["corp", "ci"]
  static let clusters = ["x", "y"]
  static let environments = ["x", "t"]
  static let claims = ["x", "1"]
  static let names = ["x", "a", "a/x", "a/b"]
  static let literals = ["keys", "x", "y"]
  static let operations: [ServiceOperation] = [.keyEncrypt, .keyDecrypt, .policyApply]
  static let networks = ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32", "10.1.2.3"]
  static let moments: [Int64] = [0, 86_400_000, 10 * 86_400_000]

  init(seed: UInt64, features: Features = .everything) {
    random = SplitMix(seed: seed)
    self.features = features
  }

  mutating func document() -> [PolicyDocument] {
    var documents: [PolicyDocument] = []
    let roles = 1 + random.below(3)
    for number in 0..<roles {
      let rules = (0..<(1 + random.below(3))).map { _ in rule() }
      documents.append(PolicyDocument(name: "r\(number)", body: .role(PolicyRole(rules: rules))))
    }
    for number in 0..<(1 + random.below(3)) {
      let binding = PolicyBinding(
        role: "r\(random.below(roles))",
        subjects: (0..<(1 + random.below(2))).map { _ in subject() },
        conditions: conditions(5),
        expires: expiry()
      )
      documents.append(PolicyDocument(name: "b\(number)", body: .binding(binding)))
    }
    if features.contains(.approvals) {
      for number in 0..<random.below(3) {
        let rule = PolicyApprovalRule(
          operations: operations(),
          resources: [resource()],
          conditions: conditions(4),
          tree: tree(0),
          validFor: random.chance(4) ? 3600 : 86_400
        )
        documents.append(PolicyDocument(name: "q\(number)", body: .approvalRule(rule)))
      }
    }
    return documents
  }

  /// The documents with one thing or two changed.
  mutating func changed(_ documents: [PolicyDocument]) -> [PolicyDocument] {
    var other = self
    let fresh = other.document()
    random = other.random
    return documents.compactMap { document in
      switch random.below(4) {
      case 0: fresh.first { $0.name == document.name && $0.kind == document.kind } ?? document
      case 1 where document.kind != .role: nil
      default: document
      }
    }
  }

  mutating func rule() -> PolicyRule {
    PolicyRule(
      effect: random.chance(4) ? .forbid : .allow,
      operations: operations(),
      resources: (0..<(1 + random.below(2))).map { _ in resource() },
      conditions: conditions(4),
      expires: expiry()
    )
  }

  private mutating func operations() -> [String] {
    switch random.below(5) {
    case 0: ["*"]
    case 1: ["key:*"]
    default: [random.pick(Self.operations).rawValue]
    }
  }

  private mutating func resource() -> ResourcePattern {
    if random.chance(8) { return ResourcePattern(segments: [], hasRest: true) }
    var segments: [ResourcePattern.Segment] = []
    for _ in 0..<(1 + random.below(2)) {
      switch random.below(6) {
      case 0: segments.append(.any)
      case 1...2:
        segments.append(
          features.contains(.templates) ? .attribute(attribute(forTemplate: true)) : .literal("x")
        )
      default: segments.append(.literal(random.pick(Self.literals)))
      }
    }
    return ResourcePattern(segments: segments, hasRest: random.chance(4))
  }

  private mutating func attribute(forTemplate: Bool) -> PolicyAttribute {
    var choices: [PolicyAttribute] = [.cluster, .cluster]
    if features.contains(.environments) { choices.append(.environment) }
    if features.contains(.claims) { choices.append(.claim("c")) }
    if features.contains(.names) { choices.append(.name) }
    if features.contains(.kinds), !forTemplate { choices.append(.kind) }
    choices.append(.issuer)
    return random.pick(choices)
  }

  mutating func subject() -> PolicySubject {
    var name: NamePattern?
    if features.contains(.names), random.chance(3) {
      name = NamePattern(
        random.pick(["x", "a", "a/*", "*", "a/**", "*/x", "**", "uid:0", "uid:7"])
      )
    }
    let reserved = features.contains(.kinds) && random.chance(5) ? ["unix", "tokens", "kms"] : []
    return PolicySubject(
      issuer: random.chance(4) ? .present : .literal(random.pick(Self.issuers + reserved)),
      name: name,
      cluster: match(Self.clusters),
      environment: features.contains(.environments) ? match(Self.environments) : nil,
      kind: features.contains(.kinds) && random.chance(3)
        ? random.pick([.jwt, .certificate, .unixPeer, .token, .kmsSocket]) : nil
    )
  }

  private mutating func match(_ values: [String]) -> PolicySubject.Match? {
    switch random.below(6) {
    case 0: .present
    case 1: .literal(random.pick(values))
    default: nil
    }
  }

  private mutating func conditions(_ rarity: Int) -> [PolicyCondition] {
    var conditions: [PolicyCondition] = []
    while random.chance(rarity), conditions.count < 3 { conditions.append(condition()) }
    return conditions
  }

  private mutating func condition() -> PolicyCondition {
    if features.contains(.sources), random.chance(3) {
      let count = 1 + random.below(2)
      return .source((0..<count).compactMap { _ in NetworkPrefix(random.pick(Self.networks)) })
    }
    if features.contains(.times), random.chance(3) {
      if random.chance(2) {
        let day = random.pick([WeeklyWindow.Day.monday, .thursday, .friday])
        return .weekly(
          WeeklyWindow(days: [day, .thursday], from: 0, to: random.chance(2) ? 1440 : 1)
        )
      }
      let moments = Self.moments.map { Timestamp(milliseconds: $0) }
      return random.chance(2)
        ? .period(notBefore: random.pick(moments), notAfter: nil)
        : .period(notBefore: moments[0], notAfter: moments[1 + random.below(2)])
    }
    let attribute = attribute(forTemplate: false)
    let values: [String]
    switch attribute {
    case .cluster: values = Self.clusters
    case .environment: values = Self.environments
    case .issuer: values = Self.issuers
    case .name: values = Self.names
    case .kind: values = ["jwt", "token", "unix-peer"]
    case .claim: values = Self.claims
    }
    let list = random.chance(2) ? [random.pick(values)] : Array(values.prefix(2))
    return random.chance(3) ? .isNotIn(attribute, list) : .isIn(attribute, list)
  }

  private mutating func expiry() -> Timestamp? {
    guard features.contains(.times), random.chance(6) else { return nil }
    return Timestamp(milliseconds: random.pick(Self.moments))
  }

  mutating func tree(_ depth: Int) -> ApprovalTree {
    let nested = depth < 1 && random.chance(3) ? [tree(depth + 1)] : []
    let count = nested.isEmpty ? 1 + random.below(2) : random.below(2)
    return ApprovalTree(
      needed: 1 + random.below(2),
      subjects: (0..<count).map { _ in
        PolicySubject(
          issuer: random.chance(5) ? .present : .literal(random.pick(Self.issuers)),
          name: random.chance(3) ? NamePattern("x") : nil,
          cluster: random.chance(3) ? .literal("x") : nil,
          kind: random.chance(3) ? .jwt : nil
        )
      },
      nested: nested
    )
  }

  /// A request that policies of these features tell apart.
  mutating func request() -> PolicyRequest {
    let segments = (0..<random.pick([1, 1, 2, 2, 2, 3])).map { _ in
      random.pick(random.chance(4) ? ["t", "1", "a"] : Self.literals)
    }
    return PolicyRequest(
      principal: principal(),
      operation: random.pick(random.chance(8) ? [.auditRead, .selfRead] : Self.operations),
      resource: ResourcePath(segments.joined(separator: "/")) ?? ResourcePath(.system),
      time: Timestamp(milliseconds: random.pick([0, 30_000, 86_399_999, 86_400_000, 864_000_000])),
      source: NetworkAddress(random.pick(["", "10.1.2.3", "10.2.0.0", "11.0.0.1", "2001:db8::1"]))
    )
  }

  /// Somebody who changes policy.
  mutating func writer() -> Principal {
    let someone = principal()
    return someone.isNameable
      ? someone : Principal(kind: .jwt, issuer: "corp", name: "x", cluster: "x")
  }

  private mutating func principal() -> Principal {
    switch random.below(12) {
    case 0: return Principal(kind: .unixPeer, name: "uid:0", uid: 0)
    case 1: return Principal(kind: .unixPeer, name: "uid:7", uid: 7)
    case 2: return Principal(kind: .kmsSocket, name: random.pick(["x", "x/y"]))
    case 3: return random.chance(2) ? .server : .anonymous
    default: break
    }
    let kind = random.pick([Principal.Kind.jwt, .jwt, .certificate, .token, .kmsSocket])
    return Principal(
      kind: kind,
      issuer: kind == .token ? nil : random.pick(Self.issuers),
      name: random.pick(Self.names),
      cluster: random.chance(3) ? nil : random.pick(Self.clusters + ["keys"]),
      environment: random.chance(3) ? nil : random.pick(Self.environments),
      claims: random.chance(3) ? [:] : ["c": random.pick(Self.claims)]
    )
  }
}
