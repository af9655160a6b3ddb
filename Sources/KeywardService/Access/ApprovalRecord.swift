import KeywardAuthn
package import KeywardModel

/// A request for approval and what was said of it.
///
/// It is bound to who asks, to the operation and to the digest of the exact request; it is used once,
/// and ends by its time (V45). A state machine without a clock.
package struct ApprovalRecord: Hashable, Sendable {
  package enum State: String, Hashable, Sendable, CaseIterable {
    case pending
    case denied
    case used
  }

  package struct Vote: Hashable, Sendable {
    package let principal: Principal
    /// The address that the vote came from, for conditions on networks.
    package let source: NetworkAddress?
    package let isApproval: Bool
    package let at: Timestamp
    /// The token that the vote came with; who revokes it takes back its votes.
    package let accessor: String?
  }

  /// What the request reaches besides its resource: its approvals are asked for as well.
  package struct Reached: Hashable, Sendable {
    package let operation: ServiceOperation
    /// As ``Resource/description``.
    package let resource: String
    /// The id of the key, as for the resource itself.
    package let key: String?

    package init(operation: ServiceOperation, resource: String, key: String?) {
      self.operation = operation
      self.resource = resource
      self.key = key
    }
  }

  /// The most votes that a record takes.
  static let mostVotes = 64
  /// The most that a request reaches besides its resource.
  private static let mostReached = 64

  package let id: ApprovalID
  package let requester: Principal
  /// The address that the requester asked from, for conditions on networks.
  package let source: NetworkAddress?
  package let operation: ServiceOperation
  /// As ``Resource/description``.
  package let resource: String
  /// The resource itself; nil if this version does not know it.
  package var parsedResource: Resource? { Resource(path: resource) }
  /// The id of the key that the request is about, nil if there is none of its name: another key of that
  /// name has not been approved of.
  package let key: String?
  package let reached: [Reached]
  /// What the request asks for, in words; at most 1,024 bytes.
  package let summary: String
  /// The keyed digest of the exact request: ``AccessState/sealed(_:)``.
  package let digest: RequestDigest
  package let createdAt: Timestamp
  package let expiresAt: Timestamp
  package private(set) var state = State.pending
  package private(set) var votes: [Vote] = []
  /// The form that the store has it in.
  private var form = Form.newest

  package init(
    id: ApprovalID,
    caller: Caller,
    operation: ServiceOperation,
    resource: Resource,
    key: KeyID?,
    reached: [Reached] = [],
    digest: RequestDigest,
    now: Timestamp,
    validFor seconds: Int64
  ) {
    self.key = key?.description
    self.reached = reached
    self.id = id
    requester = caller.principal
    source = caller.source
    self.operation = operation
    self.resource = resource.description
    summary = Self.bounded(caller.summary?() ?? "")
    self.digest = digest
    createdAt = now
    expiresAt = now.adding(seconds: seconds)
  }

  /// The text as a record takes it; of a longer one it says that there is more.
  private static func bounded(_ text: String) -> String {
    guard text.utf8.count > 1024 else { return text }
    let mark = " [cut]"
    return String(decoding: text.utf8.prefix(1024 - mark.utf8.count), as: UTF8.self) + mark
  }

  /// Who said yes.
  package var approvers: [Principal] { votes.filter(\.isApproval).map(\.principal) }

  /// Whether votes can still come in.
  package func isOpen(at now: Timestamp) -> Bool { state == .pending && now < expiresAt }

  /// Whether it is an approval of just this request.
  package func covers(
    _ caller: Caller,
    _ operation: ServiceOperation,
    _ resource: Resource,
    _ key: KeyID?,
    _ reached: [Reached],
    _ digest: RequestDigest
  ) -> Bool {
    key?.description == self.key && reached == self.reached
      && caller.principal.isSameIdentity(as: requester)
      && operation == self.operation
      && resource.description.utf8.elementsEqual(self.resource.utf8) && digest == self.digest
  }

  /// Takes a vote; a second one of the same identity is refused.
  package mutating func vote(
    _ principal: Principal,
    from source: NetworkAddress?,
    accessor: String? = nil,
    isApproval: Bool,
    at now: Timestamp
  ) throws(ServiceError) {
    guard isOpen(at: now) else {
      throw ServiceError(.conflict, "The request for approval is not open any more.")
    }
    guard !votes.contains(where: { $0.principal.isSameIdentity(as: principal) }) else {
      throw ServiceError(.conflict, "You have said your word on this request already.")
    }
    guard votes.count < Self.mostVotes else {
      throw ServiceError(.limitExceeded, "The request for approval has too many votes.")
    }
    votes.append(
      Vote(
        principal: principal,
        source: source,
        isApproval: isApproval,
        at: now,
        accessor: accessor
      )
    )
    if !isApproval { state = .denied }
    form = .newest
  }

  /// Takes back the votes that came with these tokens; whether there were any.
  package mutating func removeVotes(of accessors: Set<String>) -> Bool {
    let count = votes.count
    votes.removeAll { $0.isApproval && $0.accessor.map(accessors.contains) ?? false }
    guard votes.count < count else { return false }
    form = .newest
    return true
  }

  /// Ends it with the one operation that it is for.
  package mutating func use() {
    state = .used
    form = .newest
  }

  /// A form of the store, by its label.
  private enum Form: String, CaseIterable {
    /// Without the key, and the tokens of votes.
    case first = "keyward/approval/1"
    /// Without what is reached.
    case second = "keyward/approval/2"
    /// With one that is reached, or none.
    case third = "keyward/approval/3"
    case fourth = "keyward/approval/4"

    static let newest = Form.fourth

    var hasKey: Bool { self != .first }
  }

  /// What the store keeps.
  ///
  /// A record that was read and not changed is written as it was: the store changes and deletes a
  /// record only as the bytes that it has.
  package var encoded: [UInt8] {
    var writer = RecordWriter(form.rawValue)
    writer.add(id.description)
    writer.add(principal: requester)
    writer.add(source?.description ?? "")
    writer.add(operation.rawValue)
    writer.add(resource)
    if form.hasKey { writer.add(key ?? "") }
    switch form {
    case .first, .second: break
    case .third: Reached.add(reached.first, to: &writer)
    case .fourth:
      writer.add(UInt64(reached.count))
      for other in reached { Reached.add(other, to: &writer) }
    }
    writer.add(summary)
    writer.add(digest.bytes)
    writer.add(createdAt.milliseconds)
    writer.add(expiresAt.milliseconds)
    writer.add(state.rawValue)
    writer.add(UInt64(votes.count))
    for vote in votes {
      writer.add(principal: vote.principal)
      writer.add(vote.source?.description ?? "")
      writer.add(UInt64(vote.isApproval ? 1 : 0))
      writer.add(vote.at.milliseconds)
      if form.hasKey { writer.add(vote.accessor ?? "") }
    }
    return writer.bytes
  }

  /// The form of the bytes, and what follows its label.
  private static func opened(_ bytes: [UInt8]) -> (form: Form, reader: RecordReader)? {
    for form in Form.allCases {
      if let reader = try? RecordReader(bytes, label: form.rawValue) { return (form, reader) }
    }
    return nil
  }

  /// Why bytes are no record that can be relied on.
  package enum Unreadable: Error, Equatable, Sendable {
    case malformed
    /// Of a later version: without its meaning less would be approved of than was asked for.
    case unknownOperation(String)
  }

  /// Reads what ``encoded`` wrote, and nothing else.
  package init(decoding bytes: [UInt8]) throws(Unreadable) {
    do {
      guard let (form, start) = Self.opened(bytes) else { throw Unreadable.malformed }
      self.form = form
      var reader = start
      guard let id = ApprovalID(try reader.readText()) else { throw Unreadable.malformed }
      self.id = id
      requester = try reader.readPrincipal()
      let source = try reader.readText()
      self.source = NetworkAddress(source)
      operation = try Self.operation(try reader.readText())
      resource = try reader.readText()
      let key = form.hasKey ? try reader.readText() : ""
      self.key = key.isEmpty ? nil : key
      let reachedCount: UInt64 =
        switch form {
        case .first, .second: 0
        case .third: 1
        case .fourth: try reader.readNumber()
        }
      guard reachedCount <= UInt64(Self.mostReached) else { throw Unreadable.malformed }
      reached = try (0..<reachedCount).compactMap { _ in
        try Reached(reading: &reader, mayBeNone: form == .third)
      }
      summary = try reader.readText()
      guard let digest = RequestDigest(try reader.readBytes()) else { throw Unreadable.malformed }
      self.digest = digest
      createdAt = Timestamp(milliseconds: Int64(bitPattern: try reader.readNumber()))
      expiresAt = Timestamp(milliseconds: Int64(bitPattern: try reader.readNumber()))
      guard let state = State(rawValue: try reader.readText()) else { throw Unreadable.malformed }
      self.state = state
      let count = try reader.readNumber()
      guard count <= UInt64(Self.mostVotes) else { throw Unreadable.malformed }
      for _ in 0..<count {
        let principal = try reader.readPrincipal()
        let source = NetworkAddress(try reader.readText())
        let isApproval = try reader.readNumber() == 1
        let at = Timestamp(milliseconds: Int64(bitPattern: try reader.readNumber()))
        let accessor = form.hasKey ? try reader.readText() : ""
        votes.append(
          Vote(
            principal: principal,
            source: source,
            isApproval: isApproval,
            at: at,
            accessor: accessor.isEmpty ? nil : accessor
          )
        )
      }
      try reader.finish()
    } catch let error as Unreadable {
      throw error
    } catch {
      throw .malformed
    }
  }

  fileprivate static func operation(_ name: String) throws(Unreadable) -> ServiceOperation {
    guard let operation = ServiceOperation(rawValue: name) else { throw .unknownOperation(name) }
    return operation
  }
}

extension ApprovalRecord.Reached {
  fileprivate static func add(_ reached: Self?, to writer: inout RecordWriter) {
    writer.add(reached?.operation.rawValue ?? "")
    writer.add(reached?.resource ?? "")
    writer.add(reached?.key ?? "")
  }

  /// Nil if there is nothing, where a record has a place for it all the same.
  fileprivate init?(reading reader: inout RecordReader, mayBeNone: Bool) throws {
    let name = try reader.readText()
    resource = try reader.readText()
    let key = try reader.readText()
    self.key = key.isEmpty ? nil : key
    if mayBeNone, name.isEmpty { return nil }
    operation = try ApprovalRecord.operation(name)
  }
}
