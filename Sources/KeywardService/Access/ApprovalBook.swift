import KeywardModel

/// The requests for approval that are known while the server is unsealed; a value.
struct ApprovalBook: Sendable {
  /// The most that are open at a time, of one identity and of all.
  static let mostOwn = 100
  static let most = 10_000

  private(set) var records: [ApprovalID: ApprovalRecord] = [:]
  /// Those that an operation is using now: each is used once.
  private var inUse: Set<ApprovalID> = []

  subscript(_ id: ApprovalID) -> ApprovalRecord? { records[id] }

  mutating func put(_ record: ApprovalRecord) {
    records[record.id] = record
    inUse.remove(record.id)
  }

  mutating func remove(_ id: ApprovalID) {
    records[id] = nil
    inUse.remove(id)
  }

  /// Takes an approval for one operation; false if another one has it.
  mutating func reserve(_ id: ApprovalID) -> Bool { inUse.insert(id).inserted }

  /// Gives back what an operation that failed had taken.
  mutating func release(_ id: ApprovalID) { inUse.remove(id) }

  /// The open request for approval of just this request, if it was asked for before.
  func open(
    _ caller: Caller,
    _ operation: ServiceOperation,
    _ resource: Resource,
    _ key: KeyID?,
    _ reached: [ApprovalRecord.Reached],
    _ digest: RequestDigest,
    at now: Timestamp
  ) -> ApprovalRecord? {
    records.values.first {
      $0.isOpen(at: now) && $0.covers(caller, operation, resource, key, reached, digest)
    }
  }

  /// The open ones without the votes that came with these tokens, each with what it was before.
  func withoutVotes(
    of accessors: Set<String>,
    at now: Timestamp
  ) -> [(old: ApprovalRecord, new: ApprovalRecord)] {
    records.values.compactMap { old in
      var new = old
      guard old.isOpen(at: now), new.removeVotes(of: accessors) else { return nil }
      return (old, new)
    }
  }

  /// Whether `principal` may ask for another one.
  func hasRoom(for principal: Principal, at now: Timestamp) -> Bool {
    guard records.count < Self.most else { return false }
    let own = records.values.count {
      $0.isOpen(at: now) && $0.requester.isSameIdentity(as: principal)
    }
    return own < Self.mostOwn
  }
}
