import Foundation
import KeywardAudit
import KeywardModel
import KeywardStore
import KeywardTesting
import Testing

@testable import KeywardService

/// What bounds memory, and what goes for good when versions do.
@Suite
struct SecretBoundsTests {
  private static func server() async throws -> TestServer {
    let server = try await TestServer.unsealed()
    try await server.declare("dev")
    return server
  }

  /// A version is opened whole: one byte of each of many would fill the arena.
  @Test
  func whatAFetchOpensIsBounded() async throws {
    let server = try await Self.server()
    let large = String(repeating: "x", count: SecretLimits.fieldBytes)
    for number in 0..<5 {
      try await server.put(
        "p/s\(number)".name,
        in: "dev",
        ["a": large, "b": String(large.dropFirst()), "c": "\(number)"]
      )
    }
    let references = (0..<5).map { "kw://p/s\($0)#c" }
    let most = try await server.fetch(Array(references.prefix(4)), in: "dev")
    #expect(most.values.map(\.text) == ["0", "1", "2", "3"])
    // Once opened, a version counts no more.
    let four = Array(references.prefix(4))
    let twice = try await server.fetch(four + four, in: "dev")
    #expect(twice.values.count == 8)
    await refused(.limitExceeded) { try await server.fetch(references, in: "dev") }
  }

  /// Fewer versions than before are kept only for who may destroy, and what goes is overwritten.
  @Test
  func keepingFewerVersionsIsDestroying() async throws {
    let server = try await Self.server()
    try await server.apply(
      """
      apiVersion: keyward.dev/v1
      kind: Role
      metadata: {name: writers}
      spec: {rules: [{effect: allow, operations: ["secret:write"], resources: ["secrets/**"]}]}
      ---
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: writers}
      spec: {role: writers, subjects: [{issuer: tokens, name: writer}]}
      """
    )
    let name: SecretName = "p/a"
    for value in ["one", "two", "three"] { try await server.put(name, in: "dev", ["x": value]) }
    let writer = Caller.named("writer")
    for most in [1, 4, 99] {
      await refused(.forbidden) {
        try await server.put(name, in: "dev", ["x": "four"], as: writer) { $0.mostVersions = most }
      }
    }
    #expect(try await server.value("kw://p/a?version=1#x", in: "dev") == "one")
    try await server.put(name, in: "dev", ["x": "four"], as: writer) { $0.mostVersions = 100 }
    try await server.put("p/new", in: "dev", ["x": "1"], as: writer) { $0.mostVersions = 2 }
    let book = try server.service.unsealed().secrets
    let old = try #require(book.entry(SecretPath("dev", name))?.envelopes)
    let gone = try [1, 2, 3].map { Data(try #require(old[$0])) }
    func found() throws -> Int {
      let files = try server.folder.contents().values
      return gone.count { envelope in files.contains { $0.range(of: envelope) != nil } }
    }
    #expect(try found() == 3)
    let start = try server.logSize()
    try await server.put(name, in: "dev", ["x": "five"]) { $0.mostVersions = 2 }
    #expect(
      try server.events(from: start).first?.details == [.secret(version: 5, depth: 0), .count(3)]
    )
    // The next change waits for what the last one left to do.
    try await server.put("p/new", in: "dev", ["x": "2"])
    #expect(try found() == 0)
    #expect(try await server.service.fsck(.officer).ok)
  }

  /// Names, histories and metadata count as values do.
  @Test
  func recordsCountAgainstMemory() async throws {
    let server = try await Self.server()
    let book = try server.service.unsealed().secrets
    try await server.put("p/a", in: "dev", ["x": "1"])
    let before = book.bytes
    try await server.put("p/a", in: "dev", ["x": "1"]) {
      $0.metadata = ["note": String(repeating: "m", count: 1000)]
    }
    #expect(book.bytes > before + 1000)
    let counted = book.bytes
    try await server.restart()
    #expect(try server.service.unsealed().secrets.bytes == counted)
  }

  @Test
  func theNumberOfSecretsIsBounded() throws {
    func secret(_ number: Int) throws -> Secret {
      let bytes = (0..<16).map { $0 < 8 ? UInt8(truncatingIfNeeded: number >> ($0 * 8)) : 0 }
      return Secret(
        id: try #require(SecretID(random: bytes)),
        environment: "dev",
        name: "p/s\(number)".name,
        kind: .generic,
        createdAt: Timestamp(milliseconds: 0)
      )
    }
    let records = try (0..<SecretBook.mostSecrets - 1).map { number in
      let made = try secret(number)
      return StoredRecord(kind: .secret, id: made.id.description, body: made.encoded)
    }
    let book = try SecretBook(records, term: 1)
    let last = SecretBook.Entry(try secret(SecretBook.mostSecrets), [:])
    try book.checkRoom(for: last, over: nil)
    book.put(last)
    let more = SecretBook.Entry(try secret(SecretBook.mostSecrets + 1), [:])
    #expect { try book.checkRoom(for: more, over: nil) } throws: { error in
      (error as? ServiceError)?.code == .limitExceeded
        && (error as? ServiceError)?.remedy != nil
    }
    // A new version of one that is there has room.
    try book.checkRoom(for: last, over: last)
    // All bytes together have a bound too; one that does not grow is within it.
    let bytes = [UInt8](repeating: 0, count: SecretBook.mostBytes)
    let large = SecretBook.Entry(last.secret, [1: bytes])
    #expect(throws: ServiceError.self) { try book.checkRoom(for: large, over: last) }
    try book.checkRoom(for: large, over: large)
  }

  @Test
  func usesOfVersionsThatAreGoneAreForgotten() async throws {
    let server = try await Self.server()
    for number in 1...4 {
      try await server.put("p/a", in: "dev", ["x": "\(number)"]) { $0.mostVersions = 2 }
      _ = try await server.value("kw://p/a#x", in: "dev")
    }
    func versions() throws -> [Int] {
      let secrets = try server.service.unsealed().secrets
      let id = try #require(secrets.entry(SecretPath("dev", "p/a"))?.secret.id)
      return secrets.uses.uses(id).keys.sorted()
    }
    #expect(try versions() == [3, 4])
    try await server.service.tick(60)
    try await server.restart()
    #expect(try versions() == [3, 4])
  }

  /// A value that expires does so wherever it is taken.
  @Test
  func valuesThatAreTakenOverExpire() async throws {
    let server = try await Self.server()
    try await server.declare("prod")
    let name: SecretName = "p/a"
    try await server.put(name, in: "dev", ["x": "brief"]) { $0.expiresIn = 60 }
    try await server.put(name, in: "dev", ["x": "other"])
    let first = try await server.service.showSecret(.officer, name, environment: "dev")
    let expiry = try #require(first.versions.first?.expiresAt)
    let promotion = PromoteSecretRequest(from: "dev", to: "prod", version: 1)
    let promoted = try await server.service.promoteSecret(.officer, name, promotion)
    #expect(promoted.secret.versions.last?.expiresAt == expiry)
    let rollback = SecretVersionsRequest(environment: "dev", versions: [1])
    let back = try await server.service.rollbackSecret(.officer, name, rollback)
    #expect(back.secret.versions.last?.expiresAt == expiry)
    let merged = try await server.put(name, in: "dev", ["y": "1"]) { $0.merge = true }
    #expect(merged.secret.versions.last?.expiresAt == expiry)
    server.clock.advance(seconds: 60)
    #expect(try await server.value("kw://p/a#x", in: "prod") == nil)
    await refused(.keyState) {
      try await server.service.rollbackSecret(.officer, name, rollback)
    }
    await refused(.keyState) {
      try await server.put(name, in: "dev", ["y": "2"]) { $0.merge = true }
    }
    let longer = try await server.put(name, in: "dev", ["y": "2"]) {
      $0.merge = true
      $0.expiresIn = 600
    }
    #expect(longer.secret.versions.last?.expiresAt != expiry)
    #expect(try await server.value("kw://p/a#x", in: "dev") == "brief")
  }
}
