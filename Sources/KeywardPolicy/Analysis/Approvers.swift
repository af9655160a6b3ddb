import KeywardModel

/// Who there can be to approve, as far as some trees tell them apart.
struct Approvers {
  /// What makes an approver one and not two, as `Principal.isSameIdentity` has it.
  struct Identity: Hashable, Comparable, Sendable {
    let kind: Principal.Kind
    let issuer: String
    let name: String
    let cluster: String?

    var constraints: [Constraint] {
      [
        .kind([kind]), .value(.issuer, .only([issuer])),
        .value(.cluster, cluster.map { .only([$0]) } ?? .absent),
      ] + Constraint.name(name)
    }

    static func < (left: Identity, right: Identity) -> Bool {
      (left.kind.rawValue, left.issuer, left.name, left.cluster ?? "")
        < (right.kind.rawValue, right.issuer, right.name, right.cluster ?? "")
    }
  }

  /// For each tree a bit for each node that an approver can count for.
  typealias Masks = [UInt16]

  private static let mostSubjects = 24

  private let trees: [ApprovalTree]
  /// Masks that more approvers have than any tree can ask for.
  private var crowds: Set<Masks> = []
  /// Identities of which there is one each, with the masks that it can have.
  private(set) var identities: [Identity: Set<Masks>] = [:]

  init(_ trees: [ApprovalTree], _ search: inout RegionSearch) throws(PolicyAnalysisError) {
    self.trees = trees
    var subjects: [PolicySubject] = []
    for tree in trees {
      for node in tree.nodes {
        for subject in node.subjects where !subjects.contains(subject) { subjects.append(subject) }
      }
    }
    guard subjects.count <= Self.mostSubjects else { throw .tooLarge }
    for principals in AnalyzedPolicy.principals {
      try divide(principals, subjects[...], [], &search)
    }
  }

  /// Divides principals by which of the subjects they match.
  private mutating func divide(
    _ region: Region,
    _ subjects: ArraySlice<PolicySubject>,
    _ matched: [PolicySubject],
    _ search: inout RegionSearch
  ) throws(PolicyAnalysisError) {
    try search.step()
    guard let subject = subjects.first else {
      if !matched.isEmpty, region.example() != nil { add(region, masks(matched)) }
      return
    }
    let constraints = Constraint.subject(subject)
    for part in region.meeting(constraints) {
      try divide(part, subjects.dropFirst(), matched + [subject], &search)
    }
    for part in region.missing(constraints) {
      try divide(part, subjects.dropFirst(), matched, &search)
    }
  }

  private func masks(_ matched: [PolicySubject]) -> Masks {
    trees.map { tree in
      var mask: UInt16 = 0
      for (index, node) in tree.nodes.enumerated()
      where node.subjects.contains(where: matched.contains) {
        mask |= 1 << UInt16(index)
      }
      return mask
    }
  }

  private mutating func add(_ region: Region, _ masks: Masks) {
    let clusters = region.domain(.attribute(.cluster))
    guard let issuers = region.domain(.attribute(.issuer)).finite,
      let present = clusters.finite, let names = region.names
    else {
      crowds.insert(masks)
      return
    }
    let clusterChoices = present.map(Optional.some) + (clusters.mayBeAbsent ? [nil] : [])
    for (index, kind) in Principal.Kind.allCases.enumerated()
    where region.kinds >> UInt16(index) & 1 == 1 {
      for issuer in issuers {
        for name in names {
          for cluster in clusterChoices {
            let identity = Identity(kind: kind, issuer: issuer, name: name, cluster: cluster)
            identities[identity, default: []].insert(masks)
          }
        }
      }
    }
  }

  /// Whether some approvers satisfy all of the trees `given` and not the tree `wanted`.
  func canSatisfy(
    _ given: [Int],
    without wanted: Int,
    requester: Identity?,
    _ search: inout RegionSearch
  ) throws(PolicyAnalysisError) -> Bool {
    // No more are ever needed than all nodes of the given trees ask for together.
    let most = given.reduce(0) { sum, tree in
      sum + trees[tree].nodes.reduce(0) { $0 + $1.needed }
    }
    var choices: [[(Masks, Int)]] = []
    for (identity, masks) in identities.sorted(by: { $0.key < $1.key }) where identity != requester
    {
      choices.append(masks.map { ($0, 1) })
    }
    let relevant = crowds.filter { masks in given.contains { masks[$0] != 0 } }
    // Who counts for more of what is given and less of what is wanted is tried first.
    for masks in relevant.sorted(by: { $0[wanted].nonzeroBitCount < $1[wanted].nonzeroBitCount }) {
      choices.insert((1...max(most, 1)).map { (masks, $0) }, at: 0)
    }
    return try choose(choices[...], [], given, wanted, &search)
  }

  private func choose(
    _ choices: ArraySlice<[(Masks, Int)]>,
    _ chosen: [(masks: Masks, count: Int)],
    _ given: [Int],
    _ wanted: Int,
    _ search: inout RegionSearch
  ) throws(PolicyAnalysisError) -> Bool {
    try search.step()
    if isSatisfied(wanted, chosen) { return false }
    if given.allSatisfy({ isSatisfied($0, chosen) }) { return true }
    guard let next = choices.first else { return false }
    for (masks, count) in next {
      let more = chosen + [(masks, count)]
      if try choose(choices.dropFirst(), more, given, wanted, &search) { return true }
    }
    return try choose(choices.dropFirst(), chosen, given, wanted, &search)
  }

  private func isSatisfied(_ tree: Int, _ chosen: [(masks: Masks, count: Int)]) -> Bool {
    let groups = chosen.map { ApprovalTree.Group(nodes: $0.masks[tree], count: $0.count) }
    return trees[tree].isSatisfied(by: groups.filter { $0.nodes != 0 })
  }
}

extension Region {
  /// The names if there are finitely many.
  fileprivate var names: [String]? {
    guard nameLengths.nonzeroBitCount == 1 else {
      // Two lengths or more: each but the shortest has parts that nothing names.
      return nil
    }
    var names = [""]
    for index in 0..<nameLengths.trailingZeroBitCount {
      guard let parts = domain(.namePart(index)).finite else { return nil }
      names = names.flatMap { name in parts.map { index == 0 ? $0 : name + "/" + $0 } }
    }
    return names
  }
}
