import KeywardModel
import KeywardPolicy

/// The language as docs/policy.md states it, read off the documents one by one: no index, no order.
///
/// An oracle in under 100 lines of code: it shares nothing with the engine but the documents, and
/// compares patterns as text.
struct NaiveEvaluator {
  let set: PolicySet
  let officerUIDs: Set<UInt32>

  func isAllowed(_ request: PolicyRequest) -> Bool {
    let who = request.principal
    let asked = "\(request.operation.rawValue) \(request.resource)"
    if who.kind == .anonymous { return false }
    if who.kind == .server { return Self.server.contains(request.operation.rawValue) }
    let ownKey = who.kind == .kmsSocket && who.issuer == "kms" ? "keys/\(who.name)" : ""
    let own = ["self:read self", "self:renew self", "self:revoke self"]
    let builtIn =
      (own + ["key:encrypt \(ownKey)", "key:decrypt \(ownKey)"]).contains(asked)
      || (who.kind == .unixPeer && who.uid.map(officerUIDs.contains) == true)
    return !isAny(.forbid, request) && (builtIn || isAny(.allow, request))
  }

  /// Whether a rule forbids it; none binds those who have no name in a policy.
  func isForbidden(_ request: PolicyRequest) -> Bool {
    ![.server, .anonymous].contains(request.principal.kind) && isAny(.forbid, request)
  }

  /// The names of the approval rules that count.
  func approvals(_ request: PolicyRequest) -> Set<String> {
    if [.server, .anonymous].contains(request.principal.kind) { return [] }
    let documents = set.documents.filter { document in
      guard case .approvalRule(let rule) = document.body else { return false }
      return isAbout(rule.operationPatterns, rule.resources, request)
        && rule.conditions.allSatisfy { holds($0, request) }
    }
    return Set(documents.map(\.name))
  }

  private func isAny(_ effect: PolicyRule.Effect, _ request: PolicyRequest) -> Bool {
    set.documents.contains { document in
      guard case .binding(let binding) = document.body else { return false }
      return binding.subjects.contains { isSubject($0, request.principal) }
        && set.rules(ofRole: binding.role).contains { rule in
          let end = min(binding.expires?.milliseconds ?? .max, rule.expires?.milliseconds ?? .max)
          return rule.effect == effect && request.time.milliseconds < end
            && isAbout(rule.operationPatterns, rule.resources, request)
            && (binding.conditions + rule.conditions).allSatisfy { holds($0, request) }
        }
    }
  }

  private func isAbout(_ ops: [String], _ paths: [ResourcePattern], _ asked: PolicyRequest) -> Bool
  {
    let names = [
      "*", asked.operation.rawValue, asked.operation.rawValue.prefix { $0 != ":" } + ":*",
    ]
    return ops.contains { names.contains($0) }
      && paths.contains { isText("\($0)", "\(asked.resource)", asked.principal) }
  }

  /// Segment by segment; `*` any (of a name: not empty), `**` the rest, `{x}` an attribute of `who`.
  func isText(_ pattern: String, _ text: String, _ who: Principal?) -> Bool {
    let wanted = pattern.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    let given = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    for (index, part) in wanted.enumerated() {
      if part == "**" { return index < given.count }
      guard index < given.count else { return false }
      let isVariable = part.hasPrefix("{") && who != nil
      let literal = isVariable ? value(String(part.dropFirst().dropLast()), who) : part
      if part == "*" ? given[index].isEmpty : literal != given[index] { return false }
    }
    return wanted.count == given.count
  }

  private func value(_ name: String, _ who: Principal?) -> String? {
    if name.hasPrefix("claim:") { return who?.claims[String(name.dropFirst(6))] }
    let values = ["cluster": who?.cluster, "environment": who?.environment, "name": who?.name]
    return (values[name] ?? nil) ?? ["issuer": who?.issuer, "kind": who?.kind.rawValue][name] ?? nil
  }

  func isSubject(_ subject: PolicySubject, _ who: Principal) -> Bool {
    func fits(_ match: PolicySubject.Match?, _ value: String?) -> Bool {
      match == nil || (match == .present ? value != nil : match == value.map { .literal($0) })
    }
    return fits(subject.issuer, who.issuer) && fits(subject.cluster, who.cluster)
      && fits(subject.environment, who.environment) && (subject.kind ?? who.kind) == who.kind
      && (subject.name.map { isText("\($0)", who.name, nil) } ?? true)
  }

  func holds(_ condition: PolicyCondition, _ request: PolicyRequest) -> Bool {
    let now = request.time.milliseconds
    switch condition {
    case .isIn(let name, let list):
      return value("\(name)", request.principal).map(list.contains) ?? false
    case .isNotIn(let name, let list):
      return value("\(name)", request.principal).map { !list.contains($0) } ?? false
    case .source(let networks):
      let bytes = request.source?.bytes ?? []
      return networks.contains { network in
        let address = network.address.bytes
        return address.count == bytes.count
          && (0..<network.length).allSatisfy {
            (bytes[$0 / 8] ^ address[$0 / 8]) & (0x80 >> UInt8($0 % 8)) == 0
          }
      }
    case .period(let from, let to):
      return (from?.milliseconds ?? .min) <= now && now < (to?.milliseconds ?? .max)
    case .weekly(let window):
      return window.days.contains { ($0.rawValue + 4) % 7 == Int(now / 86_400_000) % 7 }
        && (window.from..<window.to).contains(Int(now / 60_000) % 1440)
    }
  }

  private static let server = [
    "key:create", "key:destroy", "key:rotate", "operator:rotate", "operator:unseal",
    "server:recover", "server:start", "server:stop",
  ]
}
