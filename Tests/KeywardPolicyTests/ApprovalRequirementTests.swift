import KeywardModel
import KeywardPolicy
import Testing

/// How approvals are counted.
@Suite
struct ApprovalRequirementTests {
  static func person(_ issuer: String, _ name: String, cluster: String? = nil) -> Principal {
    Principal(kind: .jwt, issuer: issuer, name: name, cluster: cluster)
  }

  static func of(_ issuer: String) -> PolicySubject { PolicySubject(issuer: .literal(issuer)) }

  private let requester = person("dev", "requester")

  private func isSatisfied(_ tree: ApprovalTree, _ approvers: [Principal]) -> Bool {
    ApprovalRequirement(rule: "r", tree: tree, validFor: 60)
      .isSatisfied(by: approvers, requester: requester)
  }

  @Test
  func distinctIdentitiesAreCounted() {
    let two = ApprovalTree(needed: 2, subjects: [Self.of("corp")], nested: [])
    let a = Self.person("corp", "a")
    #expect(!isSatisfied(two, [a]))
    #expect(!isSatisfied(two, [a, a]))
    #expect(isSatisfied(two, [a, Self.person("corp", "b")]))
    #expect(!isSatisfied(two, [a, Self.person("other", "b")]))
    #expect(isSatisfied(two, [a, Self.person("corp", "a", cluster: "x")]))
    // Another claim is not another identity.
    let same = Principal(kind: .jwt, issuer: "corp", name: "a", claims: ["run": "2"])
    #expect(!isSatisfied(two, [a, same]))
  }

  /// Without some operations a rule is for exactly the others; what covers none of them stays as it is
  /// written.
  @Test(arguments: [
    ["*"], ["policy:*"], ["policy:apply"], ["policy:apply", "policy:*", "key:*"],
    ["key:sign", "policy:escalate"], ["key:*"],
  ])
  func aRuleWithoutSomeOperations(_ patterns: [String]) throws {
    let gone = OperationSet([.policyApply, .policyEscalate])
    let tree = ApprovalTree(needed: 1, subjects: [Self.of("corp")], nested: [])
    let path = try ResourcePattern("policy")
    let rule = PolicyApprovalRule(
      operations: patterns,
      resources: [path],
      tree: tree,
      validFor: 60
    )
    let left = rule.without(gone)
    #expect(left?.operations.bits ?? 0 == rule.operations.bits & ~gone.bits)
    #expect((left == nil) == (patterns == ["policy:apply"]))
    guard let left else { return }
    #expect(left.resources == [path] && left.tree == tree && left.validFor == 60)
    #expect(Set(left.operationPatterns).count == left.operationPatterns.count)
    #expect(left.operationPatterns.contains("key:*") == patterns.contains("key:*"))
    if patterns == ["key:*"] { #expect(left == rule) }
  }

  @Test
  func theRequesterNeverCounts() {
    let one = ApprovalTree(needed: 1, subjects: [Self.of("dev")], nested: [])
    #expect(!isSatisfied(one, [requester]))
    let later = Principal(kind: .jwt, issuer: "dev", name: "requester", claims: ["session": "2"])
    #expect(!isSatisfied(one, [later]))
    #expect(isSatisfied(one, [later, Self.person("dev", "other")]))
    let requirement = ApprovalRequirement(rule: "r", tree: one, validFor: 60)
    #expect(!ApprovalRequirement.mayApprove(later, requester: requester, [requirement]))
    let other = Self.person("dev", "other")
    #expect(ApprovalRequirement.mayApprove(other, requester: requester, [requirement]))
    let stranger = Self.person("x", "x")
    #expect(!ApprovalRequirement.mayApprove(stranger, requester: requester, [requirement]))
  }

  /// One who could count in two places of a tree counts in one of them, in the one that helps.
  @Test
  func oneApproverCountsOnceInATree() {
    let inner = ApprovalTree(needed: 1, subjects: [Self.of("corp"), Self.of("audit")], nested: [])
    let tree = ApprovalTree(needed: 2, subjects: [Self.of("corp")], nested: [inner])
    let a = Self.person("corp", "a")
    #expect(!isSatisfied(tree, [a]))
    #expect(isSatisfied(tree, [a, Self.person("corp", "b")]))
    #expect(isSatisfied(tree, [a, Self.person("audit", "x")]))
    #expect(!isSatisfied(tree, [Self.person("audit", "x"), Self.person("audit", "y")]))
    // Counting a for the inner quorum would leave none for the outer one.
    let first = ApprovalTree(needed: 1, subjects: [Self.of("corp"), Self.of("audit")], nested: [])
    let second = ApprovalTree(needed: 1, subjects: [Self.of("corp")], nested: [])
    let both = ApprovalTree(needed: 2, subjects: [], nested: [first, second])
    #expect(isSatisfied(both, [a, Self.person("audit", "x")]))
    #expect(!isSatisfied(both, [Self.person("audit", "x"), Self.person("audit", "y")]))
  }

  @Test
  func nestedQuorumsCountOneEach() {
    let officers = ApprovalTree(needed: 2, subjects: [Self.of("corp")], nested: [])
    let auditors = ApprovalTree(needed: 1, subjects: [Self.of("audit")], nested: [])
    let tree = ApprovalTree(needed: 1, subjects: [], nested: [officers, auditors])
    #expect(isSatisfied(tree, [Self.person("audit", "x")]))
    #expect(!isSatisfied(tree, [Self.person("corp", "a")]))
    #expect(isSatisfied(tree, [Self.person("corp", "a"), Self.person("corp", "b")]))
  }

  /// Against a search that deals approvers out to nodes one by one.
  @Test
  func dealingIsExact() {
    var random = SplitMix(seed: 7)
    let issuers = ["a", "b", "c"]
    func tree(_ depth: Int) -> ApprovalTree {
      let subjects = issuers.filter { _ in random.chance(2) }.map(Self.of)
      let nested = depth < 2 ? (0..<random.below(3)).map { _ in tree(depth + 1) } : []
      return ApprovalTree(needed: 1 + random.below(3), subjects: subjects, nested: nested)
    }
    var satisfied = 0
    for _ in 0..<3000 {
      let tree = tree(0)
      guard tree.nodes.count <= ApprovalTree.mostNodes else { continue }
      let approvers = (0..<random.below(6)).map {
        Self.person(random.pick(issuers), "n\($0)")
      }
      let expected = Self.search(tree, approvers)
      #expect(isSatisfied(tree, approvers) == expected)
      satisfied += expected ? 1 : 0
    }
    #expect(satisfied > 100)
  }

  /// Whether some way to give each approver one node, or none, satisfies the root.
  private static func search(_ tree: ApprovalTree, _ approvers: [Principal]) -> Bool {
    let nodes = tree.nodes
    func assign(_ counts: [Int], _ index: Int) -> Bool {
      guard index < approvers.count else { return isSatisfied(tree, counts) }
      if assign(counts, index + 1) { return true }
      for (number, node) in nodes.enumerated()
      where node.subjects.contains(where: { $0.matches(approvers[index]) }) {
        var more = counts
        more[number] += 1
        if assign(more, index + 1) { return true }
      }
      return false
    }
    return assign([Int](repeating: 0, count: nodes.count), 0)
  }

  private static func isSatisfied(_ tree: ApprovalTree, _ counts: [Int]) -> Bool {
    var next = 0
    func walk(_ tree: ApprovalTree) -> Bool {
      let own = next
      next += 1
      let nested = tree.nested.map(walk)
      return counts[own] + nested.count(where: { $0 }) >= tree.needed
    }
    return walk(tree)
  }
}
