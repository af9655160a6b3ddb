package import KeywardModel

/// What one approval rule asks of a request that is allowed.
///
/// Of several requirements all must be satisfied; an approver may count in each of them.
package struct ApprovalRequirement: Hashable, Sendable {
  /// The name of the approval rule.
  package let rule: String
  package let tree: ApprovalTree
  /// How long an approval counts, in seconds.
  package let validFor: Int64

  package init(rule: String, tree: ApprovalTree, validFor: Int64) {
    self.rule = rule
    self.tree = tree
    self.validFor = validFor
  }

  /// Whether an approval of `principal` can count for anything here.
  package func mayApprove(_ principal: Principal) -> Bool {
    tree.nodes.contains { node in node.subjects.contains { $0.matches(principal) } }
  }

  /// Whether these have approved enough: each identity counts once, `requester` not at all.
  package func isSatisfied(by approvers: [Principal], requester: Principal) -> Bool {
    tree.isSatisfied(by: Self.distinct(approvers.filter { !$0.isSameIdentity(as: requester) }))
  }

  /// Whether `approver` may say yes to what `requester` asks: another identity that counts.
  package static func mayApprove(
    _ approver: Principal,
    requester: Principal,
    _ requirements: [ApprovalRequirement]
  ) -> Bool {
    !approver.isSameIdentity(as: requester) && requirements.contains { $0.mayApprove(approver) }
  }

  private static func distinct(_ approvers: [Principal]) -> [Principal] {
    var kept: [Principal] = []
    for approver in approvers where !kept.contains(where: { $0.isSameIdentity(as: approver) }) {
      kept.append(approver)
    }
    return kept
  }
}

extension ApprovalTree {
  /// How many approvers there are who match exactly the same nodes.
  struct Group: Hashable, Sendable {
    /// A bit for each node of the tree, in the order of `nodes`.
    var nodes: UInt16
    var count: Int
  }

  /// Whether distinct approvers are enough; each can be counted for one node only.
  func isSatisfied(by approvers: [Principal]) -> Bool {
    let nodes = nodes
    var counts: [UInt16: Int] = [:]
    for approver in approvers {
      var mask: UInt16 = 0
      for (index, node) in nodes.enumerated()
      where node.subjects.contains(where: { $0.matches(approver) }) {
        mask |= 1 << UInt16(index)
      }
      if mask != 0 { counts[mask, default: 0] += 1 }
    }
    return isSatisfied(by: counts.map { Group(nodes: $0.key, count: $0.value) })
  }

  /// Whether approvers can be dealt out to nodes so that the whole is satisfied; exact.
  ///
  /// Tries every choice of nodes to satisfy. For one choice, each node needs its n less its chosen
  /// children, and by Hall's theorem the approvers can be dealt out if and only if no set of nodes
  /// needs more than there are approvers for any of them.
  func isSatisfied(by groups: [Group]) -> Bool {
    let nodes = nodes
    var children: [UInt16] = []
    Self.number(self, &children)
    var chosen = (1 << nodes.count) - 1
    while chosen > 0 {
      defer { chosen -= 1 }
      // The root, which is bit 0, is what is asked for.
      guard chosen & 1 == 1 else { continue }
      let set = UInt16(chosen)
      let needs = nodes.indices.map { index in
        set >> UInt16(index) & 1 == 0
          ? 0 : max(0, nodes[index].needed - (children[index] & set).nonzeroBitCount)
      }
      if Self.canDeal(needs, groups) { return true }
    }
    return false
  }

  /// Numbers nodes as `nodes` does, and notes for each which ones are its children.
  private static func number(_ tree: ApprovalTree, _ children: inout [UInt16]) {
    let own = children.count
    children.append(0)
    for child in tree.nested {
      children[own] |= 1 << UInt16(children.count)
      number(child, &children)
    }
  }

  private static func canDeal(_ needs: [Int], _ groups: [Group]) -> Bool {
    let demanding = needs.indices.reduce(UInt16(0)) { needs[$1] > 0 ? $0 | 1 << UInt16($1) : $0 }
    var subset = demanding
    while subset != 0 {
      var need = 0
      for index in needs.indices where subset >> UInt16(index) & 1 == 1 { need += needs[index] }
      var there = 0
      for group in groups where group.nodes & subset != 0 { there += group.count }
      guard need <= there else { return false }
      subset = (subset - 1) & demanding
    }
    return true
  }
}
