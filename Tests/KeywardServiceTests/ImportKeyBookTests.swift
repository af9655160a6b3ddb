import KeywardAuthn
import KeywardModel
import KeywardStore
import KeywardTesting
import Testing

@testable import KeywardService

/// The bounds and ends of the wrapping keys of imports, of very many of them at once.
@Suite
struct ImportKeyBookTests {
  private static let start = Timestamp(milliseconds: 1_000_000)
  private static let (eve, ann) = (Caller.named("eve").principal, Caller.named("ann").principal)

  /// A record as the store has it; its halves are no key, which the book does not look at.
  private static func record(
    _ number: Int,
    name: String,
    by principal: Principal,
    seconds: Int64 = 3600,
    failures: Int = 0
  ) throws -> StoredRecord {
    var bytes = [UInt8](repeating: 0, count: 16)
    (bytes[0], bytes[1]) = (UInt8(number >> 8), UInt8(number & 255))
    let id = try #require(WrappingKeyID(random: bytes))
    var writer = RecordWriter("keyward/import-key/1")
    writer.add(id.description)
    writer.add(name)
    writer.add(KeyType.rsa3072.rawValue)
    writer.add([UInt8](repeating: 1, count: 8))
    writer.add(start.milliseconds)
    writer.add(start.adding(seconds: seconds).milliseconds)
    writer.add([UInt8](repeating: 2, count: 64))
    writer.add(UInt64(failures))
    writer.add(principal: principal)
    return StoredRecord(kind: .importKey, id: id.description, body: writer.bytes)
  }

  /// Keys of names of their own.
  private static func records(
    _ count: Int,
    from first: Int = 0,
    by principal: (Int) -> Principal,
    seconds: Int64 = 3600
  ) throws -> [StoredRecord] {
    try (first..<first + count).map {
      try record($0, name: "k/\($0)", by: principal($0), seconds: seconds)
    }
  }

  /// Whether there is room; nil if the refusal is of another kind.
  private static func hasRoom(
    _ book: ImportKeyBook,
    _ name: KeyName,
    of principal: Principal,
    at now: Timestamp = start
  ) -> Bool? {
    do throws(ServiceError) {
      try book.checkRoom(for: name, of: principal, at: now)
      return true
    } catch {
      return error.code == .tooManyRequests && error.remedy != nil ? false : nil
    }
  }

  @Test
  func aNameHasFourWhoeverFetchesThem() throws {
    let book = try ImportKeyBook(
      try (0..<4).map { try Self.record($0, name: "k/a", by: $0 < 2 ? Self.eve : Self.ann) }
    )
    #expect(Self.hasRoom(book, "k/a", of: Self.eve) == false)
    #expect(Self.hasRoom(book, "k/a", of: Caller.named("cid").principal) == false)
    #expect(Self.hasRoom(book, "k/b", of: Self.eve) == true)
    book.remove(Array(book.keys(for: "k/a").prefix(1)))
    #expect(Self.hasRoom(book, "k/a", of: Self.eve) == true)
  }

  @Test
  func anIdentityHasThirtyTwo() throws {
    let eves = try Self.records(32, by: { _ in Self.eve })
    let book = try ImportKeyBook(eves)
    #expect(Self.hasRoom(book, "k/next", of: Self.eve) == false)
    #expect(Self.hasRoom(book, "k/next", of: Self.ann) == true)
    #expect(Self.hasRoom(try ImportKeyBook(Array(eves.dropLast())), "k/n", of: Self.eve) == true)
  }

  /// The same person with another token, another job or another process is the same identity.
  @Test
  func whatAnIdentityIsDoesNotHangOnItsProcess() throws {
    let book = try ImportKeyBook(
      try Self.records(
        32,
        by: { Principal(kind: .unixPeer, name: "uid:7", uid: 7, pid: Int32($0 + 100)) }
      )
    )
    let next = Principal(kind: .unixPeer, name: "uid:7", uid: 7, pid: 1)
    #expect(Self.hasRoom(book, "k/next", of: next) == false)
  }

  @Test
  func allHaveAThousand() throws {
    let crowd = try Self.records(1000, by: { Caller.named("user-\($0 / 32)").principal })
    #expect(Self.hasRoom(try ImportKeyBook(crowd), "k/next", of: Self.eve) == false)
    let fewer = try ImportKeyBook(Array(crowd.dropLast()))
    #expect(Self.hasRoom(fewer, "k/next", of: Self.eve) == true)
    let last = try #require(ImportKeyRecord(decoding: crowd[999]))
    fewer.put(last)
    #expect(Self.hasRoom(fewer, "k/next", of: Self.eve) == false)
    fewer.remove([last])
    #expect(Self.hasRoom(fewer, "k/next", of: Self.eve) == true)
  }

  /// By time or by failures, before it is swept away.
  @Test
  func whatHasEndedTakesNoRoom() throws {
    let short = try Self.records(1000, by: { Caller.named("u\($0 / 32)").principal }, seconds: 60)
    let book = try ImportKeyBook(short)
    let (before, end) = (
      Self.start.adding(seconds: 59), Self.start.adding(seconds: 60)
    )
    #expect(Self.hasRoom(book, "k/next", of: Self.eve, at: before) == false)
    #expect(Self.hasRoom(book, "k/next", of: Self.eve, at: end) == true)
    let spent = try ImportKeyBook(
      try (0..<4).map { try Self.record($0, name: "k/a", by: Self.eve, failures: 16) }
    )
    #expect(Self.hasRoom(spent, "k/a", of: Self.eve) == true)
    let trying = try ImportKeyBook(
      try (0..<4).map { try Self.record($0, name: "k/a", by: Self.eve, failures: 15) }
    )
    #expect(Self.hasRoom(trying, "k/a", of: Self.eve) == false)
  }

  @Test
  func whatHasEndedIsSweptAwayInParts() throws {
    let ended = try Self.records(100, by: { _ in Self.eve }, seconds: 60)
    let waiting = try Self.records(10, from: 100, by: { _ in Self.ann })
    let spent = try Self.record(110, name: "k/s", by: Self.ann, failures: 16)
    let book = try ImportKeyBook(ended + waiting + [spent])
    let early = book.expired(at: Self.start.adding(seconds: 59), limit: 64)
    #expect(early.map(\.id.description) == [spent.id])
    let end = Self.start.adding(seconds: 60)
    var swept: Set<String> = []
    var parts: [Int] = []
    while case let part = book.expired(at: end, limit: 64), !part.isEmpty {
      parts.append(part.count)
      swept.formUnion(part.map(\.id.description))
      book.remove(part)
    }
    #expect(parts == [64, 37])
    #expect(swept == Set((ended + [spent]).map(\.id)))
    #expect(Set(book.stored) == Set(waiting))
  }

  @Test
  func oneBlobIsTriedAtATime() throws {
    let book = try ImportKeyBook(try Self.records(2, by: { _ in Self.eve }))
    let ids = try (0..<2).map {
      try #require(ImportKeyRecord(decoding: Self.record($0, name: "k/\($0)", by: Self.eve))).id
    }
    let turn = try book.turn(ids[0])
    #expect(throws: ServiceError.self) { try book.turn(ids[0]) }
    // Another key is free, and this one when its turn ends, or goes without a word.
    _ = try book.turn(ids[1])
    _ = try book.turn(ids[1])
    turn.end()
    let next = try book.turn(ids[0])
    // A turn that ended before does not end the next one.
    turn.end()
    #expect(throws: ServiceError.self) { try book.turn(ids[0]) }
    next.end()
    _ = try book.turn(ids[0])
  }

  @Test
  func aRecordReadsBackOrIsRefused() throws {
    let record = try Self.record(7, name: "k/a", by: Self.eve, failures: 3)
    let read = try #require(ImportKeyRecord(decoding: record))
    #expect(read.stored == record && read.failures == 3)
    #expect(throws: ServiceError.self) {
      try ImportKeyBook([
        StoredRecord(kind: .importKey, id: record.id, body: Array(record.body.dropLast()))
      ])
    }
    let other = try Self.record(8, name: "k/a", by: Self.eve)
    #expect(throws: ServiceError.self) {
      try ImportKeyBook([StoredRecord(kind: .importKey, id: other.id, body: record.body)])
    }
  }
}
