import KeywardModel
import KeywardPolicy

/// Which approvers are enough for some trees and not for others, by trying all that can make a
/// difference.
///
/// Who approves is told apart only by which subjects of the trees match; of each sort there are as many
/// people as there can be, up to as many as the trees ask for together.
struct BruteApprovals {
  private struct Sort: Hashable {
    /// For each tree a bit for each node.
    let nodes: [UInt16]
  }

  private struct Question: Hashable {
    let one: Set<String>
    let other: Set<String>
    let requester: Principal?
  }

  private let one: PolicySet
  private let other: PolicySet
  /// Many people of every sort that there is, and all there are of sorts that have few.
  private let people: [Principal]
  private let naive = NaiveEvaluator(set: .empty, officerUIDs: [])
  private var known: [Question: Bool] = [:]

  init(_ one: PolicySet, _ other: PolicySet) {
    self.one = one
    self.other = other
    let naive = NaiveEvaluator(set: .empty, officerUIDs: [])
    let subjects = Array(Spelled([one, other]).approvers)
    // One way to be enough for all trees of a policy takes no more people than this.
    let most =
      [one, other].map { set in
        set.documents.reduce(0) { sum, document in
          guard case .approvalRule(let rule) = document.body else { return sum }
          return sum + rule.tree.nodes.reduce(0) { $0 + $1.needed }
        }
      }.max() ?? 0
    func values(_ spelled: [String], _ fresh: String) -> [String] {
      Set(spelled).sorted() + (0..<most).map { "\(fresh)\($0)" }
    }
    let issuers = values(
      subjects.compactMap { if case .literal(let issuer) = $0.issuer { issuer } else { nil } },
      "i"
    )
    let names = values(subjects.compactMap { $0.name?.literal }, "n")
    let clusters = values(
      subjects.compactMap { if case .literal(let name)? = $0.cluster { name } else { nil } },
      "c"
    )
    var sorts: [[Bool]: Int] = [:]
    var people: [Principal] = []
    for kind in [Principal.Kind.jwt, .certificate, .kmsSocket] where most > 0 {
      for issuer in issuers {
        for name in names {
          for cluster in clusters.map(Optional.some) + [nil] {
            let person = Principal(kind: kind, issuer: issuer, name: name, cluster: cluster)
            let sort = subjects.map { naive.isSubject($0, person) }
            guard sort.contains(true), sorts[sort, default: 0] <= most else { continue }
            // One more than can be needed: one of them may be the requester.
            sorts[sort, default: 0] += 1
            people.append(person)
          }
        }
      }
    }
    self.people = people
  }

  /// Whether what the rules `asked` of the one policy ask for lets a request through that the rules
  /// `wanted` of the other would not, or for longer.
  mutating func isMore(
    _ asked: Set<String>,
    than wanted: Set<String>,
    _ requester: Principal
  ) -> Bool {
    let given = asked.sorted().compactMap { rule($0, one) }
    let lacking = wanted.sorted().compactMap { rule($0, other) }
    let validity = { (rules: [PolicyApprovalRule]) in rules.map(\.validFor).min() ?? .max }
    if validity(given) > validity(lacking) { return true }
    let who = people.first { $0.isSameIdentity(as: requester) }
    let question = Question(one: asked, other: wanted, requester: who)
    if let answer = known[question] { return answer }
    let trees = (given + lacking).map(\.tree)
    var counts: [Sort: Int] = [:]
    for person in people where !person.isSameIdentity(as: requester) {
      let sort = Sort(nodes: trees.map { mask($0, person) })
      // Nobody else is needed to be enough for the one.
      guard sort.nodes.prefix(given.count).contains(where: { $0 != 0 }) else { continue }
      counts[sort, default: 0] += 1
    }
    let most = given.reduce(0) { $0 + $1.tree.nodes.reduce(0) { $0 + $1.needed } }
    let sorts = counts.map { ($0.key, $0.value) }
      .sorted { $0.0.nodes.lexicographicallyPrecedes($1.0.nodes) }
    func isEnough(_ range: Range<Int>, _ chosen: [Int]) -> Bool {
      range.allSatisfy { tree in
        Self.isSatisfied(trees[tree], zip(sorts, chosen).map { ($0.0.nodes[tree], $1) })
      }
    }
    // More people are never less: what is enough for the other stays so.
    func search(_ index: Int, _ chosen: [Int], _ left: Int) -> Bool {
      if isEnough(given.count..<trees.count, chosen) { return false }
      if isEnough(0..<given.count, chosen) { return true }
      return (index..<sorts.count).contains { next in
        guard left > 0, chosen[next] < sorts[next].1 else { return false }
        var more = chosen
        more[next] += 1
        return search(next, more, left - 1)
      }
    }
    let answer = search(0, Array(repeating: 0, count: sorts.count), most)
    known[question] = answer
    return answer
  }

  private func rule(_ name: String, _ set: PolicySet) -> PolicyApprovalRule? {
    guard case .approvalRule(let rule)? = set.document(.approvalRule, name)?.body else {
      return nil
    }
    return rule
  }

  private func mask(_ tree: ApprovalTree, _ person: Principal) -> UInt16 {
    var mask: UInt16 = 0
    for (index, node) in tree.nodes.enumerated()
    where node.subjects.contains(where: { naive.isSubject($0, person) }) {
      mask |= 1 << UInt16(index)
    }
    return mask
  }

  /// Whether people can be dealt out to the places of a tree: every choice of nodes, place by place.
  static func isSatisfied(_ tree: ApprovalTree, _ people: [(nodes: UInt16, count: Int)]) -> Bool {
    /// The places to fill for every way to satisfy the tree; nodes are numbered as in `nodes`.
    func ways(_ tree: ApprovalTree, _ number: Int) -> [[Int]] {
      var found: [(places: [Int], count: Int)] = [([], 0)]
      var next = number + 1
      for child in tree.nested {
        let ofChild = ways(child, next)
        found = found.flatMap { way in
          [way] + ofChild.map { (way.places + $0, way.count + 1) }
        }
        next += child.nodes.count
      }
      return found.map { way in
        way.places + Array(repeating: number, count: max(0, tree.needed - way.count))
      }
    }
    func fill(_ places: ArraySlice<Int>, _ left: [Int]) -> Bool {
      guard let place = places.first else { return true }
      return people.indices.contains { index in
        guard left[index] > 0, people[index].nodes >> UInt16(place) & 1 == 1 else { return false }
        var less = left
        less[index] -= 1
        return fill(places.dropFirst(), less)
      }
    }
    return ways(tree, 0).contains { fill($0[...], people.map(\.count)) }
  }
}
