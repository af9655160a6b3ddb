import KeywardModel

extension PolicyDocument {
  /// The document as YAML that a parser reads back as the same document; equal documents have equal
  /// texts, whatever layout, comments and quotes they were written with.
  package var canonicalText: String {
    var text = "apiVersion: \(PolicyParser.apiVersion)\nkind: \(kind.rawValue)\nmetadata:\n"
    text += "  name: \(Self.scalar(name))\n"
    if let description { text += "  description: \(Self.quoted(description))\n" }
    text += "spec:\n"
    switch body {
    case .role(let role):
      text += "  rules:\n"
      for rule in role.rules { text += Self.text(rule) }
    case .binding(let binding):
      text += "  role: \(Self.scalar(binding.role))\n  subjects:\n"
      for subject in binding.subjects { text += "    - \(Self.text(subject))\n" }
      text += Self.text(binding.conditions, indent: "  ")
      if let expires = binding.expires { text += "  expires: \(Self.quoted(expires.rfc3339))\n" }
    case .approvalRule(let rule):
      text += "  operations: \(Self.list(rule.operationPatterns))\n"
      text += "  resources: \(Self.list(rule.resources.map(\.description)))\n"
      text += Self.text(rule.conditions, indent: "  ")
      text += "  require: \(Self.text(rule.tree))\n"
      text += "  valid_for: \(Self.duration(rule.validFor))\n"
    }
    return text
  }

  private static func text(_ rule: PolicyRule) -> String {
    var text = "    - effect: \(rule.effect.rawValue)\n"
    text += "      operations: \(list(rule.operationPatterns))\n"
    text += "      resources: \(list(rule.resources.map(\.description)))\n"
    text += self.text(rule.conditions, indent: "      ")
    if let expires = rule.expires { text += "      expires: \(quoted(expires.rfc3339))\n" }
    return text
  }

  private static func text(_ subject: PolicySubject) -> String {
    func spelled(_ match: PolicySubject.Match) -> String {
      switch match {
      case .literal(let text): scalar(text)
      case .present: quoted("*")
      }
    }
    var fields = ["issuer: " + spelled(subject.issuer)]
    if let name = subject.name { fields.append("name: " + scalar(name.description)) }
    if let cluster = subject.cluster { fields.append("cluster: " + spelled(cluster)) }
    if let environment = subject.environment {
      fields.append("environment: " + spelled(environment))
    }
    if let kind = subject.kind { fields.append("kind: " + kind.rawValue) }
    return "{" + fields.joined(separator: ", ") + "}"
  }

  private static func text(_ tree: ApprovalTree) -> String {
    let items = tree.subjects.map(text) + tree.nested.map(text)
    return "{n: \(tree.needed), of: [" + items.joined(separator: ", ") + "]}"
  }

  private static func text(_ conditions: [PolicyCondition], indent: String) -> String {
    guard !conditions.isEmpty else { return "" }
    return "\(indent)conditions:\n"
      + conditions.map { "\(indent)  - \(text($0))\n" }.joined()
  }

  /// One condition as policy spells it.
  static func text(_ condition: PolicyCondition) -> String {
    switch condition {
    case .isIn(let attribute, let values):
      return "{attribute: \(scalar(attribute.description)), in: \(list(values))}"
    case .isNotIn(let attribute, let values):
      return "{attribute: \(scalar(attribute.description)), not_in: \(list(values))}"
    case .source(let networks):
      return "{source_network: \(list(networks.map(\.description)))}"
    case .period(let notBefore, let notAfter):
      let fields =
        [notBefore.map { "not_before: " + quoted($0.rfc3339) }]
        + [notAfter.map { "not_after: " + quoted($0.rfc3339) }]
      return "{time: {" + fields.compactMap(\.self).joined(separator: ", ") + "}}"
    case .weekly(let window):
      let days = window.days.map(\.spelling).joined(separator: ", ")
      return "{time: {days: [\(days)], from: \(clock(window.from)), to: \(clock(window.to))}}"
    }
  }

  private static func list(_ texts: [String]) -> String {
    "[" + texts.map(scalar).joined(separator: ", ") + "]"
  }

  private static func clock(_ minutes: Int) -> String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return quoted(two(minutes / 60) + ":" + two(minutes % 60))
  }

  private static func duration(_ seconds: Int64) -> String {
    if seconds.isMultiple(of: 86_400) { return "\(seconds / 86_400)d" }
    return seconds.isMultiple(of: 3600) ? "\(seconds / 3600)h" : "\(seconds / 60)m"
  }

  /// Without quotes where every YAML reader takes it for the same text, in quotes elsewhere.
  static func scalar(_ text: String) -> String {
    let isPlain =
      text.utf8.allSatisfy { byte in
        (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte)
          || ":._-/".utf8.contains(byte)
      }
      && (text.utf8.first.map { (97...122).contains($0) || (65...90).contains($0) } ?? false)
      && text.utf8.last != UInt8(ascii: ":") && !YAMLFields.isAmbiguous(text)
    return isPlain ? text : quoted(text)
  }

  /// A double-quoted scalar; control characters and what is not ASCII are escaped.
  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      default:
        if (32...126).contains(scalar.value) {
          quoted.unicodeScalars.append(scalar)
        } else {
          let digits = String(scalar.value, radix: 16)
          quoted += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
        }
      }
    }
    return quoted + "\""
  }
}
