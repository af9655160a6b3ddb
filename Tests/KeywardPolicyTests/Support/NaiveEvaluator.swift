import KeywardModel
import KeywardPolicy

/// The language as docs/policy.md states it, read off the documents one by one: no index, no order.
///
/// An oracle in under 100 lines: it shares nothing with the engine but the documents, and compares
/// patterns as text.
struct NaiveEvaluator {
  let set: PolicySet
  let officerUIDs: Set<UInt32>

  func isAllowed(_ request: PolicyRequest) -> Bool {
    let who = request.principal
    let asked = "\(request.operation.rawValue) \(request.resource)"
    if who.kind == .anonymous { return false }
    if who.kind == .server { return Self.server.contains(request.operation.rawValue) }
    let ownKey = who.kind == .kmsSocket && who.issuer == "kms" ? "keys/\(who.name)" : ""
    let builtIn =
      (who.kind == .unixPeer && who.uid.map(officerUIDs.contains) == true)
      || ["self:read self", "self:renew self", "self:revoke self"].contains(asked)
      || ["key:encrypt \(ownKey)", "key:decrypt \(ownKey)"].contains(asked)
    return !isAny(.forbid, request) && (builtIn || isAny(.allow, request))
  }

  /// The names of the approval rules that count.
  func approvals(_ request: PolicyRequest) -> Set<String> {
    let names = set.documents.compactMap { document -> String? in
      guard case .approvalRule(let rule) = document.body,
        isAbout(rule.operationPatterns, rule.resources, rule.conditions, nil, request)
      else { return nil }
      return document.name
    }
    return [.server, .anonymous].contains(request.principal.kind) ? [] : Set(names)
  }

  private func isAny(_ effect: PolicyRule.Effect, _ request: PolicyRequest) -> Bool {
    set.documents.contains { document in
      guard case .binding(let binding) = document.body else { return false }
      return binding.subjects.contains { isSubject($0, request.principal) }
        && isAbout(["*"], [], binding.conditions, binding.expires, request)
        && set.rules(ofRole: binding.role).contains { rule in
          rule.effect == effect
            && isAbout(
              rule.operationPatterns,
              rule.resources,
              rule.conditions,
              rule.expires,
              request
            )
        }
    }
  }

  private func isAbout(
    _ operations: [String],
    _ resources: [ResourcePattern],
    _ conditions: [PolicyCondition],
    _ expires: Timestamp?,
    _ request: PolicyRequest
  ) -> Bool {
    let name = request.operation.rawValue
    let noun = name.prefix { $0 != ":" } + ":*"
    return operations.contains { $0 == "*" || $0 == name || $0 == noun }
      && (resources.isEmpty
        || resources.contains { isText("\($0)", "\(request.resource)", request.principal) })
      && conditions.allSatisfy { holds($0, request) }
      && (expires.map { request.time.milliseconds < $0.milliseconds } ?? true)
  }

  /// Segment by segment; `*` any (of a name: not empty), `**` the rest, `{x}` an attribute of `who`.
  private func isText(_ pattern: String, _ text: String, _ who: Principal?) -> Bool {
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
    switch name {
    case "cluster": who?.cluster
    case "environment": who?.environment
    case "issuer": who?.issuer
    case "kind": who?.kind.rawValue
    case "name": who?.name
    default: who?.claims[String(name.dropFirst("claim:".count))]
    }
  }

  private func isSubject(_ subject: PolicySubject, _ who: Principal) -> Bool {
    func fits(_ match: PolicySubject.Match?, _ value: String?) -> Bool {
      match == nil || (match == .present ? value != nil : match == value.map { .literal($0) })
    }
    return fits(subject.issuer, who.issuer) && fits(subject.cluster, who.cluster)
      && fits(subject.environment, who.environment) && (subject.kind ?? who.kind) == who.kind
      && (subject.name.map { isText("\($0)", who.name, nil) } ?? true)
  }

  private func holds(_ condition: PolicyCondition, _ request: PolicyRequest) -> Bool {
    let now = request.time.milliseconds
    switch condition {
    case .isIn(let name, let list):
      return value("\(name)", request.principal).map(list.contains) ?? false
    case .isNotIn(let name, let list):
      return value("\(name)", request.principal).map { !list.contains($0) } ?? false
    case .source(let networks):
      guard let bytes = request.source?.bytes else { return false }
      return networks.contains { network in
        network.address.bytes.count == bytes.count
          && (0..<network.length).allSatisfy { bit in
            (bytes[bit / 8] ^ network.address.bytes[bit / 8]) & (0x80 >> UInt8(bit % 8)) == 0
          }
      }
    case .period(let from, let to):
      return (from?.milliseconds ?? .min) <= now && now < (to?.milliseconds ?? .max)
    case .weekly(let window):
      let minute = Int(now / 60_000) % 1440
      return window.days.contains { ($0.rawValue + 4) % 7 == Int(now / 86_400_000) % 7 }
        && window.from <= minute && minute < window.to
    }
  }

  private static let server = [
    "key:create", "key:destroy", "key:rotate", "operator:rotate", "operator:unseal",
    "server:recover",
    "server:start", "server:stop",
  ]
}
