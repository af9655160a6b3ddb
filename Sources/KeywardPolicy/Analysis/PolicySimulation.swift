import KeywardModel

/// What a proposed policy would have decided otherwise than the log has it.
package struct PolicySimulation: Hashable, Sendable {
  /// One decision of the past.
  package struct Entry: Hashable, Sendable {
    package let request: PolicyRequest
    package let wasAllowed: Bool
    /// The rule that the log names.
    package let rule: String?

    package init(request: PolicyRequest, wasAllowed: Bool, rule: String? = nil) {
      self.request = request
      self.wasAllowed = wasAllowed
      self.rule = rule
    }
  }

  /// A decision that comes out otherwise.
  package struct Change: Hashable, Sendable {
    /// The index of the entry that was given.
    package let index: Int
    package let entry: Entry
    package let decision: Decision
  }

  package let changes: [Change]
  package let count: Int

  /// Replays entries at the time and from the address that they have.
  package init(_ entries: some Sequence<Entry>, under policy: CompiledPolicy) {
    var changes: [Change] = []
    var count = 0
    for entry in entries {
      let decision = policy.decide(entry.request)
      if decision.isAllowed != entry.wasAllowed {
        changes.append(Change(index: count, entry: entry, decision: decision))
      }
      count += 1
    }
    self.changes = changes
    self.count = count
  }
}
