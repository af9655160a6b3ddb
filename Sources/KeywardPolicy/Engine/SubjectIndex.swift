import KeywardModel

/// The subjects of bindings by issuer, cluster and name, so that a decision looks at those of its
/// principal only.
///
/// What comes out are candidates: the subject itself decides.
struct SubjectIndex: Sendable {
  private var byIssuer: [String: Clusters] = [:]
  private var ofAnyIssuer = Clusters()

  fileprivate struct Clusters: Sendable {
    var byCluster: [String: Names] = [:]
    var ofAnyCluster = Names()
  }

  fileprivate struct Names: Sendable {
    var byName: [String: [Int32]] = [:]
    var ofAnyName: [Int32] = []
    var patterns: [Node] = []
  }

  /// A segment of the names that patterns describe.
  fileprivate struct Node: Sendable {
    var literals: [Substring: Int] = [:]
    var any = -1
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
      let known =
        segment.map { names.patterns[node].literals[$0[...]] ?? -1 } ?? names.patterns[node].any
      let next = known >= 0 ? known : names.patterns.count
      if known < 0 {
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

  /// Adds the numbers of the subjects that may match.
  func find(_ principal: Principal, _ numbers: inout [Int32]) {
    if let clusters = byIssuer[principal.issuer] { clusters.find(principal, &numbers) }
    if !ofAnyIssuer.isEmpty { ofAnyIssuer.find(principal, &numbers) }
  }
}

extension SubjectIndex.Clusters {
  fileprivate var isEmpty: Bool { byCluster.isEmpty && ofAnyCluster.isEmpty }

  fileprivate func find(_ principal: Principal, _ numbers: inout [Int32]) {
    if !byCluster.isEmpty, let cluster = principal.cluster, let names = byCluster[cluster] {
      names.find(principal.name, &numbers)
    }
    if !ofAnyCluster.isEmpty { ofAnyCluster.find(principal.name, &numbers) }
  }
}

extension SubjectIndex.Names {
  fileprivate var isEmpty: Bool { byName.isEmpty && ofAnyName.isEmpty && patterns.isEmpty }

  fileprivate func find(_ name: String, _ numbers: inout [Int32]) {
    if !byName.isEmpty, let found = byName[name] { numbers += found }
    if !ofAnyName.isEmpty { numbers += ofAnyName }
    if !patterns.isEmpty { find(0, name[...], &numbers) }
  }

  /// Follows the name part by part; nil when there is no more.
  private func find(_ node: Int, _ left: Substring?, _ numbers: inout [Int32]) {
    guard let left else {
      if !patterns[node].here.isEmpty { numbers += patterns[node].here }
      return
    }
    if !patterns[node].rest.isEmpty { numbers += patterns[node].rest }
    guard !patterns[node].literals.isEmpty || patterns[node].any >= 0 else { return }
    let slash = left.utf8.firstIndex(of: UInt8(ascii: "/"))
    let part = slash.map { left[..<$0] } ?? left
    let after = slash.map { left[left.utf8.index(after: $0)...] }
    if !patterns[node].literals.isEmpty, let next = patterns[node].literals[part] {
      find(next, after, &numbers)
    }
    if patterns[node].any >= 0, !part.isEmpty { find(patterns[node].any, after, &numbers) }
  }
}
