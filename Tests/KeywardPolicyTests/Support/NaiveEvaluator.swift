import KeywardModel
import KeywardPolicy

/// The language as docs/policy.md states it, read off the documents one by one: no index, no order.
///
/// An oracle, so it shares nothing with the engine but the documents: patterns are compared as text.
struct NaiveEvaluator {
  let set: PolicySet
  let officerUIDs: Set<UInt32>

  func isAllowed(_ request: PolicyRequest) -> Bool {
    let who = request.principal
    let op = request.operation.rawValue
    let path = request.resource.description
    if who.kind == .anonymous { return false }
    if who.kind == .server { return Self.serverOperations.contains(op) }
    let builtIn =
      (who.kind == .unixPeer && who.uid.map(officerUIDs.contains) == true)
      || (["self:read", "self:renew", "self:revoke"].contains(op) && path == "self")
      || (who.kind == .kmsSocket && who.issuer == "kms" && path == "keys/" + who.name
        && ["key:encrypt", "key:decrypt"].contains(op))
    return rules(.forbid, request) == 0 && (builtIn || rules(.allow, request) > 0)
  }

  /// The names of the approval rules that count.
  func approvals(_ request: PolicyRequest) -> Set<String> {
    var names: Set<String> = []
    for document in set.documents {
      guard case .approvalRule(let rule) = document.body,
        request.principal.kind != .server && request.principal.kind != .anonymous,
        rule.operationPatterns.contains(where: { isOperation($0, request) }),
        rule.resources.contains(where: { isResource($0.description, request) }),
        rule.conditions.allSatisfy({ holds($0, request) })
      else { continue }
      names.insert(document.name)
    }
    return names
  }

  /// How many rules of this effect match, over all bindings.
  private func rules(_ effect: PolicyRule.Effect, _ request: PolicyRequest) -> Int {
    var count = 0
    for document in set.documents {
      guard case .binding(let binding) = document.body, isBefore(binding.expires, request),
        binding.subjects.contains(where: { isSubject($0, request.principal) }),
        binding.conditions.allSatisfy({ holds($0, request) })
      else { continue }
      for rule in set.rules(ofRole: binding.role)
      where rule.effect == effect && isBefore(rule.expires, request)
        && rule.operationPatterns.contains(where: { isOperation($0, request) })
        && rule.resources.contains(where: { isResource($0.description, request) })
        && rule.conditions.allSatisfy({ holds($0, request) })
      {
        count += 1
      }
    }
    return count
  }

  private func isBefore(_ expires: Timestamp?, _ request: PolicyRequest) -> Bool {
    expires.map { request.time.milliseconds < $0.milliseconds } ?? true
  }

  private func isOperation(_ pattern: String, _ request: PolicyRequest) -> Bool {
    let name = request.operation.rawValue
    return pattern == "*" || pattern == name
      || (pattern.hasSuffix(":*") && name.split(separator: ":")[0] == pattern.dropLast(2))
  }

  private func isResource(_ pattern: String, _ request: PolicyRequest) -> Bool {
    isText(pattern, request.resource.description, allowsEmpty: true) { segment in
      value(String(segment.dropFirst().dropLast()), request.principal)
    }
  }

  /// Segment by segment; `*` any, `**` the rest, `{x}` what `attribute` gives.
  private func isText(
    _ pattern: String,
    _ text: String,
    allowsEmpty: Bool,
    _ attribute: (Substring) -> String?
  ) -> Bool {
    let wanted = pattern.split(separator: "/", omittingEmptySubsequences: false)
    let given = text.split(separator: "/", omittingEmptySubsequences: false)
    for (index, part) in wanted.enumerated() {
      if part == "**" { return index < given.count }
      guard index < given.count else { return false }
      if part == "*" {
        if given[index].isEmpty && !allowsEmpty { return false }
      } else if part.hasPrefix("{") {
        if attribute(part) != String(given[index]) { return false }
      } else if part != given[index] {
        return false
      }
    }
    return wanted.count == given.count
  }

  private func value(_ name: String, _ who: Principal) -> String? {
    switch name {
    case "cluster": who.cluster
    case "environment": who.environment
    case "issuer": who.issuer
    case "kind": who.kind.rawValue
    case "name": who.name
    default: who.claims[String(name.dropFirst("claim:".count))]
    }
  }

  private func isSubject(_ subject: PolicySubject, _ who: Principal) -> Bool {
    func fits(_ match: PolicySubject.Match?, _ value: String?) -> Bool {
      switch match {
      case nil: true
      case .present: value != nil
      case .literal(let literal): value == literal
      }
    }
    return fits(subject.issuer, who.issuer) && fits(subject.cluster, who.cluster)
      && fits(subject.environment, who.environment) && (subject.kind ?? who.kind) == who.kind
      && (subject.name.map { isText($0.description, who.name, allowsEmpty: false) { _ in nil } }
        ?? true)
  }

  private func holds(_ condition: PolicyCondition, _ request: PolicyRequest) -> Bool {
    switch condition {
    case .isIn(let attribute, let list):
      return value(attribute.description, request.principal).map(list.contains) ?? false
    case .isNotIn(let attribute, let list):
      return value(attribute.description, request.principal).map { !list.contains($0) } ?? false
    case .source(let networks):
      guard let bytes = request.source?.bytes else { return false }
      return networks.contains { network in
        network.address.bytes.count == bytes.count
          && (0..<network.length).allSatisfy { bit in
            let differing = bytes[bit / 8] ^ network.address.bytes[bit / 8]
            return differing & (0x80 >> UInt8(bit % 8)) == 0
          }
      }
    case .period(let from, let to):
      let now = request.time.milliseconds
      return (from.map { $0.milliseconds <= now } ?? true)
        && (to.map { now < $0.milliseconds } ?? true)
    case .weekly(let window):
      let days = Int(request.time.milliseconds / 86_400_000)
      let minute = Int(request.time.milliseconds / 60_000) - days * 1440
      return window.days.contains { ($0.rawValue + 4) % 7 == days % 7 }
        && window.from <= minute && minute < window.to
    }
  }

  private static let serverOperations = [
    "key:create", "key:destroy", "key:rotate", "operator:rotate", "operator:unseal",
    "server:recover", "server:start", "server:stop",
  ]
}
