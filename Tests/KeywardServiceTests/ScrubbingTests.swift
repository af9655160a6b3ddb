import Foundation
import KeywardModel
import KeywardService
import KeywardTesting
import Synchronization
import Testing

@testable import KeywardStore

/// The search for what was destroyed fails, and is owed still.
@Suite
struct ScrubbingTests {
  /// A server with a key, and a count of the searches that were begun.
  private static func server() async throws -> (TestServer, Searches) {
    let server = try await TestServer.unsealed(isFaulty: true)
    try await server.create("a/one")
    try await server.create("a/two")
    try await server.service.finishScrubbing()
    let searches = Searches()
    try server.faults.watchScrubs { searches.count.withLock { $0 += 1 } }
    return (server, searches)
  }

  /// A number that another thread counts.
  private final class Searches: Sendable {
    let count = Mutex(0)
    var begun: Int { count.withLock { $0 } }
  }

  /// Destroys a key now; returns the salt of its material.
  private static func destroy(_ server: TestServer, _ name: KeyName) async throws -> [UInt8] {
    let material = try #require(try server.key(name)?.versions.first?.material)
    _ = try await server.service.destroyKey(.officer, name: name, version: nil, after: 0)
    try await server.service.finishScrubbing()
    return Array(material[5..<29])
  }

  private static func isOwed(_ server: TestServer) -> Bool {
    FileManager.default.fileExists(atPath: server.folder("data") + "/scrub-owed")
  }

  /// Steps of the server's second hand that do nothing else.
  private static func wait(_ server: TestServer, ticks: Int) async throws {
    for _ in 0..<ticks { try await server.service.tick(1) }
    try await server.service.finishScrubbing()
  }

  /// As on a full disk: twice it fails, each time it waits longer, and nothing is forgotten.
  @Test
  func aSearchThatFailedIsTriedAgain() async throws {
    let (server, searches) = try await Self.server()
    try server.faults.failScrubs(2)
    let salt = try await Self.destroy(server, "a/one")
    #expect(searches.begun == 1 && Self.isOwed(server))
    try await Self.wait(server, ticks: 9)
    #expect(searches.begun == 1)
    // Another destruction waits with it.
    let other = try await Self.destroy(server, "a/two")
    #expect(searches.begun == 1)
    try await Self.wait(server, ticks: 1)
    #expect(searches.begun == 2 && Self.isOwed(server))
    try await Self.wait(server, ticks: 19)
    #expect(searches.begun == 2)
    try await Self.wait(server, ticks: 1)
    #expect(searches.begun == 3 && !Self.isOwed(server))
    for gone in [salt, other] { #expect(try !server.folder.filesHold(gone)) }
    try await Self.wait(server, ticks: 400)
    #expect(searches.begun == 3)
    // After a success the next failure waits as the first did.
    try await server.create("a/three")
    try server.faults.failScrubs(1)
    _ = try await Self.destroy(server, "a/three")
    try await Self.wait(server, ticks: 10)
    #expect(searches.begun == 5 && !Self.isOwed(server))
  }

  /// A sealed server goes on trying.
  @Test
  func aSealDoesNotPutItOff() async throws {
    let (server, searches) = try await Self.server()
    try server.faults.failScrubs(1)
    let salt = try await Self.destroy(server, "a/one")
    _ = try await server.service.seal(.officer)
    try await Self.wait(server, ticks: 10)
    #expect(searches.begun == 2 && !Self.isOwed(server))
    #expect(try !server.folder.filesHold(salt))
  }

  /// A disk that can no longer be relied on ends a sealed server as any other.
  @Test
  func aFatalErrorEndsTheServer() async throws {
    let (server, _) = try await Self.server()
    try server.faults.failScrubs(1)
    _ = try await Self.destroy(server, "a/one")
    _ = try await server.service.seal(.officer)
    #expect(server.fatal.isEmpty)
    try server.faults.failScrubs(1, with: .ioError("fdatasync"))
    try await Self.wait(server, ticks: 10)
    #expect(server.fatal == [.ioError("fdatasync")])
  }

  /// A server that ends before it has come about finds it owed.
  @Test
  func whatIsOwedOutlivesTheProcess() async throws {
    let (server, _) = try await Self.server()
    try server.faults.failScrubs(.max)
    let salt = try await Self.destroy(server, "a/one")
    await server.stop()
    #expect(Self.isOwed(server))
    try await server.restart()
    try await server.service.finishScrubbing()
    #expect(!Self.isOwed(server))
    #expect(try !server.folder.filesHold(salt))
    #expect(try server.key("a/two") != nil)
  }

  /// Of a new term all material is wrapped anew, 256 keys in one change: the file is searched once, after
  /// the last, for what each of them replaced.
  @Test
  func eachBatchOfARewrapIsLookedFor() async throws {
    let (server, searches) = try await Self.server()
    for number in 0..<258 { try await server.create("b/\(number)") }
    let salts = try ["a/one", "b/0", "b/257"].map { name in
      Array(try #require(try server.key(try KeyName(name))?.versions.first?.material)[5..<29])
    }
    try server.faults.failScrubs(1)
    _ = try await server.service.rotateKeyring(.officer)
    try await Self.wait(server, ticks: 1)
    #expect(try server.faults.inner.owed.kept >= 260)
    #expect(searches.begun == 1)
    try await Self.wait(server, ticks: 10)
    #expect(searches.begun > 2 && !Self.isOwed(server))
    for salt in salts { #expect(try !server.folder.filesHold(salt)) }
  }
}
