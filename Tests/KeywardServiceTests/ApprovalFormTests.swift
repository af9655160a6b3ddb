import KeywardAuthn
import KeywardModel
import KeywardService
import KeywardStore
import KeywardTesting
import Testing

/// The bytes of a request for approval: a record is changed only as the bytes that it was written as.
@Suite
struct ApprovalFormTests {
  private static func record(
    reaching reached: [ApprovalRecord.Reached] = [],
    summary: String = "POST /api/v1/keys/a:rotate"
  ) throws -> ApprovalRecord {
    var caller = Caller.named("eve")
    caller = Caller(
      principal: caller.principal,
      transport: .https,
      requestID: "1",
      summary: { summary }
    )
    return ApprovalRecord(
      id: try #require(ApprovalID(random: [UInt8](repeating: 7, count: 16))),
      caller: caller,
      operation: .keyRotate,
      resource: .key("a"),
      key: nil,
      reached: reached,
      digest: try #require(RequestDigest([UInt8](repeating: 9, count: 32))),
      now: Timestamp(milliseconds: 1),
      validFor: 60
    )
  }

  /// The bytes of a record as builds of before wrote it, with one vote.
  private static func bytes(
    form: Int,
    id: ApprovalID,
    at time: Timestamp,
    operation: String = "key:rotate",
    reached: String = "key:unwrap"
  ) throws -> [UInt8] {
    var writer = RecordWriter("keyward/approval/\(form)")
    writer.add(id.description)
    writer.add(principal: Caller.named("eve").principal)
    writer.add("")
    writer.add(operation)
    writer.add("keys/guarded/key")
    if form > 1 { writer.add("k") }
    if form > 3 { writer.add(UInt64(1)) }
    if form > 2 {
      writer.add(reached)
      writer.add("keys/kek")
      writer.add("")
    }
    writer.add("POST /api/v1/keys/a:rotate")
    writer.add([UInt8](repeating: 9, count: 32))
    writer.add(time.milliseconds)
    writer.add(time.adding(seconds: 60).milliseconds)
    writer.add("pending")
    writer.add(UInt64(1))
    writer.add(principal: Caller.named("cid").principal)
    writer.add("")
    writer.add(UInt64(1))
    writer.add(time.milliseconds)
    if form > 1 { writer.add("acc-a") }
    return writer.bytes
  }

  private static func id(_ byte: UInt8) throws -> ApprovalID {
    try #require(ApprovalID(random: [UInt8](repeating: byte, count: 16)))
  }

  @Test(arguments: 1...4)
  func aRecordOfAFormerFormIsWrittenAsItIsUntilItIsChanged(_ form: Int) throws {
    let bytes = try Self.bytes(form: form, id: Self.id(1), at: Timestamp(milliseconds: 1))
    var record = try ApprovalRecord(decoding: bytes)
    #expect(record.encoded == bytes)
    #expect(record.key == (form > 1 ? "k" : nil))
    #expect(record.reached.map(\.resource) == (form > 2 ? ["keys/kek"] : []))
    #expect(record.votes.first?.accessor == (form > 1 ? "acc-a" : nil))
    #expect(record.approvers.map(\.name) == ["cid"])
    try record.vote(
      Caller.named("ann").principal,
      from: nil,
      accessor: "acc-b",
      isApproval: true,
      at: Timestamp(milliseconds: 2)
    )
    let changed = try ApprovalRecord(decoding: record.encoded)
    #expect(changed == record)
    #expect(changed.key == (form > 1 ? "k" : nil) && changed.votes.last?.accessor == "acc-b")
    record.use()
    #expect(try ApprovalRecord(decoding: record.encoded).state == .used)
  }

  /// Records of the first form could neither be decided nor taken out, and what ended with them
  /// neither.
  @Test(arguments: 1...4)
  func aStoredRecordOfAFormerFormIsDecidedAndTakenOut(_ form: Int) async throws {
    let server = try await TestServer.unsealed()
    try await server.create("guarded/key")
    try await server.apply(ApprovalTests.policy)
    let (voted, left) = (try Self.id(1), try Self.id(2))
    let now = server.clock.now()
    for id in [voted, left] {
      let body = try Self.bytes(form: form, id: id, at: now)
      try server.store.write(durability: .change) { transaction in
        try transaction.insertRecord(
          StoredRecord(kind: .approval, id: id.description, body: body)
        )
      }
    }
    try await server.restart()
    let shown = try await server.service.vote(.named("ann"), voted, isApproval: true)
    #expect(shown.votes.count == 2)
    try await server.restart()
    #expect(try await server.service.showApproval(.officer, voted).votes.count == 2)
    #expect(try await server.service.showApproval(.officer, left).votes.count == 1)
    server.clock.advance(seconds: 8 * 86_400)
    try await server.service.tick(10)
    for id in [voted, left] {
      await refused(.notFound) { _ = try await server.service.showApproval(.officer, id) }
    }
    try await server.restart()
    await refused(.notFound) { _ = try await server.service.showApproval(.officer, left) }
  }

  /// Left out, it would be approved without those whom it has to be approved by.
  @Test(arguments: 1...4)
  func anOperationOfALaterVersionIsNotLeftOut(_ form: Int) async throws {
    let time = Timestamp(milliseconds: 1)
    let own = try Self.bytes(form: form, id: Self.id(1), at: time, operation: "key:clone")
    #expect(throws: ApprovalRecord.Unreadable.unknownOperation("key:clone")) {
      try ApprovalRecord(decoding: own)
    }
    guard form > 2 else { return }
    let reached = try Self.bytes(form: form, id: Self.id(1), at: time, reached: "key:clone")
    #expect(throws: ApprovalRecord.Unreadable.unknownOperation("key:clone")) {
      try ApprovalRecord(decoding: reached)
    }
    // The third form has a place for nothing, the fourth counts what there is.
    let none = try Self.bytes(form: form, id: Self.id(1), at: time, reached: "")
    if form == 3 {
      #expect(try ApprovalRecord(decoding: none).reached.isEmpty)
    } else {
      #expect(throws: ApprovalRecord.Unreadable.unknownOperation("")) {
        try ApprovalRecord(decoding: none)
      }
    }
    let server = try await TestServer.unsealed()
    try server.store.write(durability: .change) { transaction in
      let id = try Self.id(1).description
      try transaction.insertRecord(StoredRecord(kind: .approval, id: id, body: reached))
    }
    try await server.restart()
    #expect(try server.service.sealStatus().sealed)
    let error = await refused(.tampered) { try await server.unseal() }
    #expect(error?.message.contains("key:clone") == true)
    #expect(error?.remedy?.contains("later") == true)
  }

  @Test
  func whatIsReachedIsKept() throws {
    let one = ApprovalRecord.Reached(operation: .keyUnwrap, resource: "keys/kek", key: "k")
    let other = ApprovalRecord.Reached(operation: .keyShow, resource: "keys/b", key: nil)
    for reached in [[], [one], [one, other]] {
      let record = try Self.record(reaching: reached)
      #expect(try ApprovalRecord(decoding: record.encoded) == record)
      #expect(record.reached == reached)
    }
  }

  @Test
  func aLongSummarySaysThatItIsCut() throws {
    let short = String(repeating: "a", count: 1024)
    #expect(try Self.record(summary: short).summary == short)
    let long = try Self.record(summary: short + "b").summary
    #expect(long.utf8.count == 1024 && long.hasSuffix("a [cut]"))
  }
}
