import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// The bytes of a request for approval: a record is changed only as the bytes that it was written as.
@Suite
struct ApprovalFormTests {
  private static func record(
    reaching reached: ApprovalRecord.Reached? = nil,
    summary: String = "POST /api/v1/keys/a:rotate"
  ) throws -> ApprovalRecord {
    var caller = Caller.named("eve")
    caller = Caller(
      principal: caller.principal,
      transport: .https,
      requestID: "1",
      summary: summary
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

  @Test
  func whatReachesNothingKeepsTheFormerForm() throws {
    let record = try Self.record()
    var start = RecordWriter("keyward/approval/2")
    start.add(record.id.description)
    #expect(record.encoded.starts(with: start.bytes))
    #expect(ApprovalRecord(decoding: record.encoded) == record)
  }

  @Test
  func whatIsReachedIsKept() throws {
    let record = try Self.record(
      reaching: .init(operation: .keyUnwrap, resource: "keys/kek", key: "k")
    )
    #expect(record.encoded.starts(with: RecordWriter("keyward/approval/3").bytes))
    #expect(ApprovalRecord(decoding: record.encoded) == record)
  }

  @Test
  func aLongSummarySaysThatItIsCut() throws {
    let short = String(repeating: "a", count: 1024)
    #expect(try Self.record(summary: short).summary == short)
    let long = try Self.record(summary: short + "b").summary
    #expect(long.utf8.count == 1024 && long.hasSuffix("a [cut]"))
  }
}
