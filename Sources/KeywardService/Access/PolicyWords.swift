import KeywardModel
import KeywardPolicy

extension Explanation {
  /// Line by line, why; what the audit log's `rule` says in short.
  ///
  /// With `onlyOwn`, without bindings that the principal is no subject of.
  func lines(onlyOwn: Bool) -> [String] {
    let misses = onlyOwn ? misses.filter { !$0.missing.contains(.subject) } : misses
    var lines = ["\(decision.isAllowed ? "allowed" : "refused") by \(decision.rule)"]
    if let builtIn { lines.append("the built-in binding \(builtIn.rawValue) allows it") }
    lines += allowing.map { "\($0) allows it" }
    lines += forbidding.map { "\($0) forbids it, and a forbid wins" }
    if let source {
      lines.append("it leads to \(source.resource), where forbids and approvals count too")
      lines += source.forbidding.map { "\($0) forbids it there, and a forbid wins" }
    }
    lines += decision.approvals.map { "approval is needed: \($0.words)" }
    for miss in misses.prefix(10) {
      lines.append(
        "\(miss.description) does not: \(miss.missing.map(\.words).joined(separator: "; "))"
      )
    }
    if misses.count > 10 { lines.append("and \(misses.count - 10) more that are farther") }
    if !decision.isAllowed, source == nil, forbidding.isEmpty, misses.isEmpty {
      lines.append("no binding of any document could allow it")
    }
    return lines
  }
}

extension Explanation.Missing {
  fileprivate var words: String {
    switch self {
    case .subject: "the principal is no subject of the binding"
    case .bindingExpired(let time): "the binding ended at \(time.rfc3339)"
    case .bindingCondition(let index): "condition \(index) of the binding does not hold"
    case .operation: "the rule is about other operations"
    case .resource: "the rule is about other resources"
    case .ruleCondition(let index): "condition \(index) of the rule does not hold"
    case .ruleExpired(let time): "the rule ended at \(time.rfc3339)"
    case .noRule: "the role allows nothing"
    }
  }
}

extension ApprovalRequirement {
  /// In words, for who has to approve: `rule: 2 of (issuer okta, 1 of (…))`.
  var words: String { "\(rule): \(tree.words)" }
}

extension ApprovalTree {
  fileprivate var words: String {
    let members = subjects.map(\.words) + nested.map(\.words)
    return "\(needed) of (\(members.joined(separator: ", ")))"
  }
}

extension PolicySubject {
  fileprivate var words: String {
    var parts = ["issuer \(issuer.words)"]
    if let name { parts.append("name \(name)") }
    if let cluster { parts.append("cluster \(cluster.words)") }
    if let environment { parts.append("environment \(environment.words)") }
    if let kind { parts.append("kind \(kind.rawValue)") }
    return parts.joined(separator: " ")
  }
}

extension PolicySubject.Match {
  fileprivate var words: String {
    switch self {
    case .literal(let text): text
    case .present: "*"
    }
  }
}

extension PolicyRequest {
  /// In words: who, what, on what, when and from where.
  var words: String {
    var text = "\(principal.issuer)/\(principal.name)"
    if let cluster = principal.cluster { text += " of cluster \(cluster)" }
    if let environment = principal.environment { text += " in \(environment)" }
    for (name, value) in principal.claims.sorted(by: { $0.key < $1.key }) {
      text += ", \(name) \(value)"
    }
    text += ": \(operation.rawValue) on \(resource)"
    if let source { text += " from \(source)" }
    return text + " at \(time.rfc3339)"
  }
}

extension PolicyDifference.Access {
  /// In words: by which rule, and how it came about.
  var words: String {
    switch cause {
    case .allowed: "allowed by \(rule)"
    case .notForbidden: "allowed by \(rule), not forbidden any more by \(other ?? "a rule")"
    case .fewerApprovals: "allowed by \(rule) with other approvals than \(other ?? "before")"
    }
  }
}
