import KeywardModel

/// n of m: how many distinct people or nested quorums must have approved.
package struct ApprovalTree: Hashable, Sendable {
  /// Nodes of one tree, itself included; what follows from the tree is computed exactly, so it is small.
  package static let mostNodes = 8
  package static let mostNeeded = 32

  /// 1 to 32.
  package let needed: Int
  /// Whoever matches one of these counts one.
  package let subjects: [PolicySubject]
  /// Each that is satisfied by itself counts one.
  package let nested: [ApprovalTree]

  package init(needed: Int, subjects: [PolicySubject], nested: [ApprovalTree]) {
    self.needed = needed
    self.subjects = subjects
    self.nested = nested
  }

  /// This node and all below it.
  package var nodes: [ApprovalTree] { [self] + nested.flatMap(\.nodes) }
}
