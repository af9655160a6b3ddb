import KeywardModel
import KeywardPolicy

/// Every principal that can make a difference to some policies.
struct PrincipalUniverse {
  /// What policies can tell of a principal: two who have the same are the same to all of them.
  struct Traits: Hashable {
    fileprivate var subjects: [Bool]
    fileprivate var conditions: [Bool]
    /// The literals that attributes are equal to, and which of them are equal to one another.
    fileprivate var compared: [String?]
    fileprivate var isOfficer: Bool
    /// The name of a KMS socket with a key of its own, as far as resources tell it.
    fileprivate var ownKey: [String]
    /// Whose vote is one of finitely many that a quorum can need.
    fileprivate var approver: [String?]
  }

  private let spelled: Spelled
  private let subjects: [PolicySubject]
  private let conditions: [PolicyCondition]
  private let compared: [PolicyAttribute]
  /// The literals that stand where an attribute is compared.
  private let literals: [PolicyAttribute: Set<String>]
  private let paths: Paths
  private let officers: Set<UInt32>
  /// Literals that stand where an attribute is compared, and values of others compared there.
  private let pool: Set<String>
  private let naive = NaiveEvaluator(set: .empty, officerUIDs: [])

  init(_ spelled: Spelled, _ paths: Paths, _ officers: Set<UInt32>) {
    self.spelled = spelled
    self.paths = paths
    self.officers = officers
    subjects = Array(spelled.subjects)
    conditions = spelled.conditions.filter { condition in
      switch condition {
      case .isIn, .isNotIn: true
      default: false
      }
    }
    let compared = paths.attributes.reduce(into: Set()) { $0.formUnion($1) }
    self.compared = compared.sorted()
    var pool: Set<String> = []
    var literals: [PolicyAttribute: Set<String>] = [:]
    for (texts, attributes) in zip(paths.literals, paths.attributes) {
      for attribute in attributes { literals[attribute, default: []].formUnion(texts) }
    }
    self.literals = literals
    for texts in literals.values { pool.formUnion(texts) }
    if !compared.isEmpty {
      for attribute in compared { pool.formUnion(spelled.values(of: attribute)) }
      // A name, or the first part of a socket's, can be the value of an attribute.
      let names = spelled.values(of: .name).union(spelled.subjects.compactMap { $0.name?.literal })
      pool.formUnion(names.map { String($0.prefix { $0 != "/" }) })
      if compared.contains(.issuer) { pool.formUnion(["kms", "tokens", "roles"]) }
    }
    self.pool = pool
  }

  /// Calls `body` with each; many have the same traits.
  func walk(_ body: (Principal, Traits) -> Void) {
    func add(_ principal: Principal) { body(principal, traits(principal)) }
    for uid in uids { add(Principal(kind: .unixPeer, name: "uid:\(uid)", uid: uid)) }
    let reserved = Set(BuiltInIssuer.allCases.map(\.rawValue))
    let issuers = values(of: .issuer).compactMap(\.self).filter { !reserved.contains($0) }
    let clusters = values(of: .cluster)
    let environments = values(of: .environment)
    for name in names(isSocket: true) {
      for cluster in clusters {
        for environment in environments {
          add(Principal(kind: .kmsSocket, name: name, cluster: cluster, environment: environment))
        }
      }
    }
    let sorts: [(Principal.Kind, [String?])] = [
      (.jwt, issuers), (.certificate, issuers), (.kmsSocket, issuers), (.token, [nil]),
      (.machineRole, [nil]),
    ]
    let names = names(isSocket: false)
    let claims = claims
    for (kind, issuers) in sorts {
      for issuer in issuers {
        for name in names {
          for cluster in clusters {
            for environment in environments {
              for claim in claims {
                add(
                  Principal(
                    kind: kind,
                    issuer: issuer,
                    name: name,
                    cluster: cluster,
                    environment: environment,
                    claims: claim
                  )
                )
              }
            }
          }
        }
      }
    }
  }

  private func traits(_ principal: Principal) -> Traits {
    let request = PolicyRequest(
      principal: principal,
      operation: .selfRead,
      resource: Resource.own,
      time: Timestamp(milliseconds: 0)
    )
    let isSocket = principal.kind == .kmsSocket && principal.issuer == "kms"
    return Traits(
      subjects: subjects.map { naive.isSubject($0, principal) },
      conditions: conditions.map { naive.holds($0, request) },
      compared: comparisons(principal),
      isOfficer: principal.uid.map(officers.contains) ?? false,
      ownKey: isSocket ? socketName(principal) : [],
      approver: approver(principal)
    )
  }

  private func comparisons(_ principal: Principal) -> [String?] {
    let values = compared.map { $0.value(of: principal).flatMap { isSegment($0) ? $0 : nil } }
    return zip(compared, values).map { attribute, value in
      guard let value else { return nil }
      if literals[attribute, default: []].contains(value) { return value }
      return "=\(values.firstIndex(of: value) ?? 0)"
    }
  }

  private func isSegment(_ text: String) -> Bool { ResourcePath.isSegment(text) }

  /// Which literals and attributes of patterns the parts of a socket's name are equal to.
  private func socketName(_ socket: Principal) -> [String] {
    let parts = socket.name.split(separator: "/", omittingEmptySubsequences: false)
    let told = parts.map(String.init).enumerated().map { index, part in
      guard index + 1 < paths.literals.count else { return "" }
      let equal = paths.attributes[index + 1].filter { $0.value(of: socket) == part }.sorted()
      let literal = paths.literals[index + 1].contains(part) ? part : ""
      return literal + equal.map { " {\($0)}" }.joined()
    }
    return told + (parts.allSatisfy { ResourcePath.isSegment($0) } ? [] : ["/"])
  }

  private func approver(_ principal: Principal) -> [String?] {
    let names = Set(spelled.approvers.compactMap { $0.name?.literal })
    let issuers = spelled.approvers.map(\.issuer)
    guard names.contains(principal.name), issuers.contains(.literal(principal.issuer)) else {
      return []
    }
    let clusters = spelled.approvers.map(\.cluster)
    guard principal.cluster == nil || clusters.contains(principal.cluster.map { .literal($0) })
    else { return [] }
    return [principal.kind.rawValue, principal.issuer, principal.name, principal.cluster]
  }

  // MARK: - Values

  private var uids: [UInt32] {
    let names = spelled.subjects.compactMap { $0.name?.literal } + spelled.values(of: .name)
    return Set(names.compactMap { $0.hasPrefix("uid:") ? UInt32($0.dropFirst(4)) : nil })
      .union(officers).union([80_000]).sorted()
  }

  /// What is spelled, what is not, and absence; of two that are compared each can have the other's.
  private func values(of attribute: PolicyAttribute) -> [String?] {
    var values = spelled.values(of: attribute).union([fresh(attribute)])
    if compared.contains(attribute) {
      values.formUnion(pool)
      values.formUnion(compared.filter { $0 < attribute }.map(fresh))
    }
    return (attribute == .issuer ? [] : [nil]) + values.sorted().map { $0 }
  }

  private func fresh(_ attribute: PolicyAttribute) -> String {
    let letter =
      switch attribute {
      case .cluster: "c"
      case .environment: "e"
      case .issuer: "i"
      case .kind, .name: "n"
      case .claim(let name): "." + name
      }
    return spelled.fresh + letter
  }

  private var claims: [[String: String]] {
    var names = Set<String>()
    let spelt = conditions.compactMap { condition -> PolicyAttribute? in
      switch condition {
      case .isIn(let attribute, _), .isNotIn(let attribute, _): attribute
      default: nil
      }
    }
    for case .claim(let name) in spelt + compared { names.insert(name) }
    return names.sorted().reduce([[:]]) { all, name in
      all.flatMap { claims in
        values(of: .claim(name)).map { value in
          var claims = claims
          claims[name] = value
          return claims
        }
      }
    }
  }

  /// Names of up to one part more than in any pattern; of those that no rule tells apart, one.
  private func names(isSocket: Bool) -> [String] {
    let patterns = Set(spelled.subjects.compactMap(\.name))
    let literals = spelled.values(of: .name).sorted()
    let spelt =
      patterns.map(\.segments)
      + literals.map { $0.split(separator: "/", omittingEmptySubsequences: false).map(String.init) }
    var length = (spelt.map(\.count).max() ?? 0) + 1
    var parts = (0..<max(length, paths.literals.count)).map { index in
      Set(["", fresh(.name)]).union(spelt.compactMap { $0.dropFirst(index).first ?? nil })
    }
    if compared.contains(.name) {
      parts[0].formUnion(pool)
      parts[0].formUnion(compared.filter { $0 < .name }.map(fresh))
    }
    if isSocket {
      // The segments after `keys` are the name of the socket's own key.
      length = max(length, paths.literals.count - 1)
      for index in 1..<paths.literals.count {
        parts[index - 1].formUnion(paths.literals[index])
        for attribute in paths.attributes[index] {
          parts[index - 1].formUnion(values(of: attribute).compactMap(\.self))
          if attribute == .issuer { parts[index - 1].insert(BuiltInIssuer.kms.rawValue) }
        }
      }
    }
    var names: [String] = []
    var seen: Set<[String]> = []
    var all: [[String]] = [[]]
    for index in 0..<length {
      all = all.flatMap { name in parts[index].sorted().map { name + [$0] } }
      for parts in all {
        let name = parts.joined(separator: "/")
        var traits = patterns.map { naive.isText("\($0)", name, nil) ? "yes" : "no" }
        traits += literals.map { $0 == name ? "yes" : "no" }
        if compared.contains(.name) { traits.append(isSegment(name) ? name : "/") }
        if isSocket { traits += parts }
        if seen.insert(traits).inserted { names.append(name) }
      }
    }
    return names
  }
}
