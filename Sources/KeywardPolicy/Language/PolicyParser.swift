import KeywardModel
import Yams

/// Reads the documents of one file; what it does not know is an error (docs/policy.md).
struct PolicyParser {
  static let apiVersion = "keyward.dev/v1"
  static let mostDocuments = 10_000
  private static let mostRules = 10_000
  static let mostItems = 1000

  let source: YAMLSource
  let fields: YAMLFields

  init(_ source: YAMLSource) {
    self.source = source
    fields = YAMLFields(source: source)
  }

  /// Reads a document of any of the three kinds.
  func document(_ node: Node) throws(PolicyProblem) -> PolicyDocument {
    let top = try fields.mapping(
      node,
      "a policy document",
      known: ["apiVersion", "kind", "metadata", "spec"]
    )
    try version(fields.required(top, "apiVersion", in: node))
    let kindNode = try fields.required(top, "kind", in: node)
    let kinds = PolicyDocument.Kind.allCases.map(\.rawValue).joined(separator: ", ")
    guard let kind = PolicyDocument.Kind(rawValue: try fields.text(kindNode, "kind")) else {
      throw fields.wrong(kindNode, "kind is one of \(kinds)")
    }
    let (name, nameNode, description) = try metadata(fields.required(top, "metadata", in: node))
    let spec = try fields.required(top, "spec", in: node)
    let body: PolicyDocument.Body
    switch kind {
    case .role:
      guard BuiltInRole(rawValue: name) == nil else {
        throw fields.wrong(nameNode, "'\(name)' is a role that is built in; choose another name")
      }
      body = .role(try role(spec))
    case .binding:
      guard !BuiltInBinding.names.contains(name) else {
        throw fields.wrong(nameNode, "'\(name)' is a binding that is built in; choose another name")
      }
      body = .binding(try binding(spec))
    case .approvalRule:
      body = .approvalRule(try approvalRule(spec))
    }
    return PolicyDocument(
      name: name,
      description: description,
      body: body,
      place: source.place(nameNode)
    )
  }

  // MARK: - Kinds

  private func role(_ node: Node) throws(PolicyProblem) -> PolicyRole {
    let spec = try fields.mapping(node, "the spec of a Role", known: ["rules"])
    var rules: [PolicyRule] = []
    let list = try fields.list(
      fields.required(spec, "rules", in: node),
      "rules",
      most: Self.mostRules
    )
    for item in list { rules.append(try rule(item)) }
    return PolicyRole(rules: rules)
  }

  private func rule(_ node: Node) throws(PolicyProblem) -> PolicyRule {
    let rule = try fields.mapping(
      node,
      "a rule",
      known: ["effect", "operations", "resources", "conditions", "expires"]
    )
    let effectNode = try fields.required(rule, "effect", in: node)
    guard let effect = PolicyRule.Effect(rawValue: try fields.text(effectNode, "effect")) else {
      throw fields.wrong(effectNode, "effect is allow or forbid")
    }
    return PolicyRule(
      effect: effect,
      operations: try operations(fields.required(rule, "operations", in: node)),
      resources: try resources(fields.required(rule, "resources", in: node)),
      conditions: try conditions(rule["conditions"]),
      expires: try expiry(rule["expires"])
    )
  }

  private func binding(_ node: Node) throws(PolicyProblem) -> PolicyBinding {
    let spec = try fields.mapping(
      node,
      "the spec of a Binding",
      known: ["role", "subjects", "conditions", "expires"]
    )
    let roleNode = try fields.required(spec, "role", in: node)
    let role = try fields.text(roleNode, "role")
    var subjects: [PolicySubject] = []
    let list = try fields.list(
      fields.required(spec, "subjects", in: node),
      "subjects",
      most: Self.mostItems
    )
    for item in list { subjects.append(try subject(item)) }
    return PolicyBinding(
      role: role,
      subjects: subjects,
      conditions: try conditions(spec["conditions"]),
      expires: try expiry(spec["expires"]),
      rolePlace: source.place(roleNode)
    )
  }

  private func approvalRule(_ node: Node) throws(PolicyProblem) -> PolicyApprovalRule {
    let spec = try fields.mapping(
      node,
      "the spec of an ApprovalRule",
      known: ["operations", "resources", "conditions", "require", "valid_for"]
    )
    let require = try fields.required(spec, "require", in: node)
    let tree = try tree(require, depth: 1)
    guard tree.nodes.count <= ApprovalTree.mostNodes else {
      throw fields.wrong(require, "require has at most \(ApprovalTree.mostNodes) quorums in all")
    }
    return PolicyApprovalRule(
      operations: try operations(fields.required(spec, "operations", in: node)),
      resources: try resources(fields.required(spec, "resources", in: node)),
      conditions: try conditions(spec["conditions"]),
      tree: tree,
      validFor: try spec["valid_for"].map { node throws(PolicyProblem) in try validity(node) }
        ?? PolicyApprovalRule.defaultValidity
    )
  }

  // MARK: - Parts

  private func version(_ node: Node) throws(PolicyProblem) {
    guard try fields.plain(node, "apiVersion") == Self.apiVersion else {
      throw fields.wrong(node, "apiVersion is \(Self.apiVersion)")
    }
  }

  private func metadata(_ node: Node) throws(PolicyProblem) -> (String, Node, String?) {
    let metadata = try fields.mapping(node, "metadata", known: ["name", "description"])
    let nameNode = try fields.required(metadata, "name", in: node)
    let text = try fields.text(nameNode, "name")
    guard let name = RegistryName(text) else {
      throw fields.wrong(
        nameNode,
        "a name is 1 to 64 of a-z 0-9 . _ -, beginning with a letter or digit"
      )
    }
    var description: String?
    if let node = metadata["description"] {
      let text = try fields.plain(node, "description")
      guard text.utf8.count <= 4096 else {
        throw fields.wrong(node, "a description has at most 4096 bytes")
      }
      description = text
    }
    return (name.description, nameNode, description)
  }

  private func operations(_ node: Node) throws(PolicyProblem) -> [String] {
    var patterns: [String] = []
    for item in try fields.list(node, "operations", most: 128) {
      let text = try fields.text(item, "an operation")
      guard OperationSet(pattern: text) != nil else {
        throw fields.wrong(
          item,
          "'\(YAMLFields.shown(text))' is no operation; take one of docs/policy.md, NOUN:* or \"*\""
        )
      }
      patterns.append(text)
    }
    return patterns
  }

  private func resources(_ node: Node) throws(PolicyProblem) -> [ResourcePattern] {
    var patterns: [ResourcePattern] = []
    for item in try fields.list(node, "resources", most: Self.mostItems) {
      let text = try fields.text(item, "a resource", longest: 1024)
      do throws(ResourcePattern.Invalid) {
        patterns.append(try ResourcePattern(text))
      } catch {
        throw fields.wrong(item, error.reason)
      }
    }
    return patterns
  }

  private func expiry(_ node: Node?) throws(PolicyProblem) -> Timestamp? {
    guard let node else { return nil }
    return try fields.time(node, "expires")
  }

  private func validity(_ node: Node) throws(PolicyProblem) -> Int64 {
    let text = try fields.plain(node, "valid_for")
    let units: [Character: Int64] = ["m": 60, "h": 3600, "d": 86_400]
    guard let unit = text.last.flatMap({ units[$0] }), (2...6).contains(text.utf8.count),
      text.utf8.dropLast().allSatisfy({ (48...57).contains($0) }), text.first != "0",
      let number = Int64(text.dropLast()), number * unit <= PolicyApprovalRule.longestValidity
    else {
      throw fields.wrong(node, "valid_for is minutes, hours or days, such as 24h, up to 30d")
    }
    return number * unit
  }

  private func subject(_ node: Node) throws(PolicyProblem) -> PolicySubject {
    let subject = try fields.mapping(
      node,
      "a subject",
      known: ["issuer", "name", "cluster", "environment", "kind"]
    )
    let issuerNode = try fields.required(subject, "issuer", in: node)
    let issuer = try match(issuerNode, "issuer", isName: true)
    let unnameable = [BuiltInIssuer.server, .anonymous].map {
      PolicySubject.Match.literal($0.rawValue)
    }
    guard !unnameable.contains(issuer) else {
      throw fields.wrong(issuerNode, "nothing can be given to the server itself or to nobody")
    }
    var name: NamePattern?
    if let node = subject["name"] {
      name = NamePattern(try fields.text(node, "name", longest: 512))
      guard name != nil else {
        throw fields.wrong(
          node,
          "in a name '*' stands for a whole segment between '/', and '**' for the rest at the end"
        )
      }
    }
    var kind: Principal.Kind?
    if let node = subject["kind"] {
      kind = Principal.Kind(rawValue: try fields.text(node, "kind"))
      guard let kind, kind != .server, kind != .anonymous else {
        throw fields.wrong(
          node,
          "kind is one of certificate, jwt, kms-socket, machine-role, token, unix-peer"
        )
      }
    }
    return PolicySubject(
      issuer: issuer,
      name: name,
      cluster: try subject["cluster"].map { node throws(PolicyProblem) in
        try match(node, "cluster", isName: true)
      },
      environment: try subject["environment"].map { node throws(PolicyProblem) in
        try match(node, "environment", isName: false)
      },
      kind: kind
    )
  }

  private func match(
    _ node: Node,
    _ what: String,
    isName: Bool
  ) throws(PolicyProblem) -> PolicySubject.Match {
    let text = try fields.text(node, what)
    if text == "*" { return .present }
    guard !text.utf8.contains(UInt8(ascii: "*")), !isName || RegistryName(text) != nil else {
      throw fields.wrong(node, "\(what) is one name in full, or \"*\" for any")
    }
    return .literal(text)
  }

  private func tree(_ node: Node, depth: Int) throws(PolicyProblem) -> ApprovalTree {
    let quorum = try fields.mapping(node, "require", known: ["n", "of"])
    let needed = try fields.number(
      fields.required(quorum, "n", in: node),
      "n",
      1...ApprovalTree.mostNeeded
    )
    var subjects: [PolicySubject] = []
    var nested: [ApprovalTree] = []
    for item in try fields.list(fields.required(quorum, "of", in: node), "of", most: 64) {
      let isQuorum =
        item.mapping?.keys.contains { ["n", "of"].contains($0.scalar?.string) } ?? false
      if isQuorum {
        nested.append(try tree(item, depth: depth + 1))
      } else {
        subjects.append(try subject(item))
      }
    }
    return ApprovalTree(needed: needed, subjects: subjects, nested: nested)
  }
}
