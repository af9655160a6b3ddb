import Foundation
import Glibc
import KeywardCrypto
import KeywardGRPC
import KeywardKMSPlugin
import KeywardSystem
import NIOPosix
import Synchronization
import Testing

/// The plugin before a third party's client: grpcio with stubs from schema/kms/v2/api.proto.
@Suite(.timeLimit(.minutes(5)))
struct KMSPluginServerTests {
  @Test(arguments: [
    "basic", "authority", "errors", "limits", "malformed", "deadline",
  ])
  func holdsBeforeGRPCIO(scenario: String) async throws {
    let plugin = try await TestPlugin()
    #expect(try await plugin.judge(scenario) == "")
    await plugin.server.stop()
  }

  @Test
  func servesAbstractSockets() async throws {
    let plugin = try await TestPlugin(isAbstract: true)
    #expect(try await plugin.judge("basic") == "")
    await plugin.server.stop()
  }

  @Test
  func holdsAHundredStreamsOfOneConnection() async throws {
    let plugin = try await TestPlugin()
    #expect(try await plugin.judge("in_flight", "100") == "")
    #expect(try await plugin.judge("storm", "1", "100", "1000") == "")
    await plugin.server.stop()
  }

  @Test
  func holdsEightConnections() async throws {
    let plugin = try await TestPlugin()
    #expect(try await plugin.judge("storm", "8", "64", "2000") == "")
    let metrics = plugin.server.metrics
    #expect(metrics.transport.connectionsAccepted == 8)
    #expect(metrics.transport.calls(.resourceExhausted) == 0)
    #expect(metrics.decrypt.failed == 0)
    #expect(metrics.decrypt.succeeded == plugin.backend.decrypts.load(ordering: .relaxed))
    await plugin.server.stop()
  }

  @Test
  func tenThousandCallsWithPINGsKeepTheirConnection() async throws {
    let plugin = try await TestPlugin()
    #expect(try await plugin.judge("pings", "10000") == "")
    #expect(plugin.server.metrics.transport.connectionsAccepted == 1)
    #expect(plugin.server.metrics.status.succeeded == 10_000)
    await plugin.server.stop()
  }

  @Test
  func clientsFindARestartedServer() async throws {
    let plugin = try await TestPlugin()
    let ready = "\(plugin.directory)/ready"
    let gone = "\(plugin.directory)/gone"
    async let verdict = plugin.judge("reconnect", ready, gone)
    while access(ready, F_OK) != 0 { try await Task.sleep(for: .milliseconds(10)) }
    await plugin.server.stop()
    #expect(access("\(plugin.directory)/kms.sock", F_OK) != 0)
    _ = FileManager.default.createFile(atPath: gone, contents: nil)
    try await Task.sleep(for: .milliseconds(300))
    let second = try await TestPlugin.start(plugin.endpoint, plugin.backend)
    #expect(try await verdict == "")
    await second.stop()
  }

  @Test(
    .enabled(if: geteuid() == 0, "needs root to become another user"),
    arguments: [false, true]
  )
  func refusesOtherUsers(isAbstract: Bool) async throws {
    let plugin = try await TestPlugin(isAbstract: isAbstract)
    // The mode of a path already keeps others out; SO_PEERCRED must, whatever the mode.
    chmod(plugin.directory, 0o755)
    chmod("\(plugin.directory)/kms.sock", 0o666)
    #expect(try await plugin.judge("refused") == "")
    #expect(plugin.server.metrics.transport.connectionsRefusedByPeer == 1)
    #expect(plugin.server.metrics.transport.connectionsAccepted == 0)
    #expect(try await plugin.judge("basic") == "")
    await plugin.server.stop()
  }

  @Test
  func sealedIsAnErrorAndNotAWord() async throws {
    let plugin = try await TestPlugin()
    let client = try await plugin.client()
    plugin.backend.statusFailure.withLock { $0 = KMSFailure(.unavailable, "sealed") }
    let error = await #expect(throws: GRPCStatus.self) { try await client.status() }
    #expect(error == GRPCStatus(.unavailable, "sealed"))
    plugin.backend.statusFailure.withLock { $0 = nil }
    #expect(try await client.status().healthz == "ok")
    await client.close()
    await plugin.server.stop()
  }

  @Test(arguments: [
    (0, GRPCStatusCode.internal), (1, nil), (1024, nil), (1025, .internal),
  ])
  func aBackendCannotBreakTheContract(count: Int, code: GRPCStatusCode?) async throws {
    let plugin = try await TestPlugin()
    let client = try await plugin.client()
    plugin.backend.keyID.withLock { $0 = String(repeating: "k", count: count) }
    var failure: GRPCStatus?
    do throws(GRPCStatus) {
      #expect(try await client.status().keyID.utf8.count == count)
    } catch {
      failure = error
    }
    #expect(failure?.code == code)
    #expect(plugin.server.metrics.invalidAnswers == (code == nil ? 0 : 1))
    await client.close()
    await plugin.server.stop()
  }

  @Test
  func encryptAgreesWithTheStatusOfItsConnection() async throws {
    let plugin = try await TestPlugin()
    let first = try await plugin.client()
    let second = try await plugin.client()
    let seed = try SecretBytes.random(count: 32)
    #expect(try await first.status().keyID == "kw1.test-key")
    plugin.backend.keyID.withLock { $0 = "kw1.next" }
    // Rotated between Status and Encrypt: the pair of one connection does not differ.
    #expect(try await first.encrypt(seed, uid: "1").keyID == "kw1.test-key")
    #expect(try await second.encrypt(seed, uid: "2").keyID == "kw1.next")
    #expect(try await first.status().keyID == "kw1.next")
    #expect(try await first.encrypt(seed, uid: "3").keyID == "kw1.next")
    for client in [first, second] { await client.close() }
    await plugin.server.stop()
  }

  @Test
  func theOwnClientMakesARoundTrip() async throws {
    let plugin = try await TestPlugin()
    let client = try await plugin.client()
    let seed = try SecretBytes.random(count: 32)
    let sealed = try await client.encrypt(seed, uid: "uid")
    let opened = try await client.decrypt(
      .init(
        ciphertext: sealed.ciphertext,
        uid: "uid",
        keyID: sealed.keyID,
        annotations: sealed.annotations
      )
    )
    let isEqual = opened.bytes.constantTimeEquals(seed)
    #expect(isEqual)
    await client.close()
    await plugin.server.stop()
  }

  @Test
  func asksWhoeverListensNowhere() async throws {
    let endpoint = try UnixEndpoint(abstract: "keyward-nobody-\(UInt64.random(in: 0 ... .max))")
    let error = await #expect(throws: SystemError.self) {
      _ = try await KMSClient(endpoint, on: TestPlugin.group.next())
    }
    #expect(error?.kind == .notFound)
  }
}
