import KeywardModel

/// The subjects of bindings by issuer, cluster and name, so that a decision looks at those of its
/// principal only.
///
/// What comes out are candidates: the subject itself decides.
struct SubjectIndex: Sendable {
  private var byIssuer: [String: Clusters] = [:]
  private var ofAnyIssuer = Clusters()

  private struct Clusters: Sendable {
    var byCluster: [String: Names] = [:]
    var ofAnyCluster = Names()
  }

  private struct Names: Sendable {
    var byName: [String: [Int32]] = [:]
    var ofAnyName: [Int32] = []
    var patterns: [Node] = []
  }

  /// A segment of the names that patterns describe.
  private struct Node: Sendable {
    var literals: [Substring: Int] = [:]
    var any: Int?
    var here: [Int32] = []
    var rest: [Int32] = []
  }

  mutating func insert(_ subject: PolicySubject, _ number: Int32) {
    switch subject.issuer {
    case .literal(let issuer): Self.insert(subject, number, &byIssuer[issuer, default: Clusters()])
    case .present: Self.insert(subject, number, &ofAnyIssuer)
    }
  }

  private static func insert(_ subject: PolicySubject, _ number: Int32, _ clusters: inout Clusters)
  {
    if case .literal(let cluster)? = subject.cluster {
      insert(subject.name, number, &clusters.byCluster[cluster, default: Names()])
    } else {
      insert(subject.name, number, &clusters.ofAnyCluster)
    }
  }

  private static func insert(_ pattern: NamePattern?, _ number: Int32, _ names: inout Names) {
    guard let pattern else {
      names.ofAnyName.append(number)
      return
    }
    if let literal = pattern.literal {
      names.byName[literal, default: []].append(number)
      return
    }
    if names.patterns.isEmpty { names.patterns.append(Node()) }
    var node = 0
    for segment in pattern.segments {
      let known = segment.map { names.patterns[node].literals[$0[...]] } ?? names.patterns[node].any
      let next = known ?? names.patterns.count
      if known == nil {
        names.patterns.append(Node())
        if let segment {
          names.patterns[node].literals[segment[...]] = next
        } else {
          names.patterns[node].any = next
        }
      }
      node = next
    }
    if pattern.hasRest {
      names.patterns[node].rest.append(number)
    } else {
      names.patterns[node].here.append(number)
    }
  }

  /// Calls `body` with the number of each subject that may match, until it is true.
  func forEach(_ principal: Principal, _ body: (Int) -> Bool) {
    if let clusters = byIssuer[principal.issuer], Self.visit(clusters, principal, body) { return }
    _ = Self.visit(ofAnyIssuer, principal, body)
  }

  private static func visit(
    _ clusters: Clusters,
    _ principal: Principal,
    _ body: (Int) -> Bool
  ) -> Bool {
    if !clusters.byCluster.isEmpty, let cluster = principal.cluster,
      let names = clusters.byCluster[cluster], visit(names, principal.name, body)
    {
      return true
    }
    return visit(clusters.ofAnyCluster, principal.name, body)
  }

  private static func visit(_ names: Names, _ name: String, _ body: (Int) -> Bool) -> Bool {
    if !names.byName.isEmpty, let numbers = names.byName[name],
      numbers.contains(where: { body(Int($0)) })
    {
      return true
    }
    if names.ofAnyName.contains(where: { body(Int($0)) }) { return true }
    guard !names.patterns.isEmpty else { return false }
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    return visit(names.patterns, 0, parts[...], body)
  }

  private static func visit(
    _ nodes: [Node],
    _ node: Int,
    _ parts: ArraySlice<Substring>,
    _ body: (Int) -> Bool
  ) -> Bool {
    guard let part = parts.first else { return nodes[node].here.contains { body(Int($0)) } }
    if let next = nodes[node].literals[part], visit(nodes, next, parts.dropFirst(), body) {
      return true
    }
    if let next = nodes[node].any, !part.isEmpty, visit(nodes, next, parts.dropFirst(), body) {
      return true
    }
    return nodes[node].rest.contains { body(Int($0)) }
  }
}
