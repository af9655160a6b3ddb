import Glibc
import KeywardGRPC
import KeywardSystem
import NIOCore
import Synchronization
import Testing

/// Connections that are refused, stall, misbehave or end.
@Suite(.timeLimit(.minutes(2)))
struct GRPCConnectionTests {
  private static let echo = ["/test/Echo": GRPCMethod.echo]

  @Test
  func refusedPeersAreClosedBeforeHTTP2AndCounted() async throws {
    let test = try await TestServer(Self.echo) { peer in peer.uid != geteuid() }
    for _ in 0..<3 {
      let raw = try test.raw()
      #expect(raw.readToEnd() == [])
    }
    #expect(try await test.wait { $0.connectionsRefusedByPeer == 3 })
    #expect(test.server.metrics.connectionsAccepted == 0)
    await test.server.stop()
  }

  @Test
  func connectionsAreLimited() async throws {
    var limits = GRPCServer.Limits()
    limits.connections = 2
    let test = try await TestServer(Self.echo, limits: limits)
    let clients = [try await test.client(), try await test.client()]
    for client in clients { #expect(try await client.call(.test(), [1]) == [1]) }
    #expect(try test.raw().readToEnd() == [])
    #expect(test.server.metrics.connectionsRefusedByLimit == 1)
    await clients[0].close()
    #expect(try await test.wait { $0.connectionsOpen == 1 })
    let third = try await test.client()
    #expect(try await third.call(.test(), [1]) == [1])
    await test.server.stop(grace: .milliseconds(100))
  }

  @Test(
    arguments: [
      [], [0x50], Array(RawConnection.preface.prefix(23)),
      RawConnection.preface + [0, 0, 4, 1],
      // HEADERS without END_HEADERS, and no CONTINUATION.
      RawConnection.preface + RawConnection.emptySettings + [0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82],
      // Half of a DATA frame.
      RawConnection.preface + RawConnection.emptySettings + [0, 1, 0, 0, 0, 0, 0, 0, 1, 7],
    ] as [[UInt8]]
  )
  func stalledConnectionsAreClosed(bytes: [UInt8]) async throws {
    var limits = GRPCServer.Limits()
    limits.framePatience = .milliseconds(100)
    let test = try await TestServer(Self.echo, limits: limits)
    let raw = try test.raw()
    raw.send(bytes)
    #expect(raw.readToEnd() != nil)
    #expect(test.server.metrics.connectionsStalled == 1)
    await test.server.stop()
  }

  @Test
  func idleConnectionsStay() async throws {
    var limits = GRPCServer.Limits()
    limits.framePatience = .seconds(2)
    let test = try await TestServer(Self.echo, limits: limits)
    let client = try await test.client()
    for _ in 0..<2 {
      #expect(try await client.call(.test(), [1]) == [1])
      try await Task.sleep(for: .milliseconds(2500))
    }
    #expect(test.server.metrics.connectionsStalled == 0)
    await client.close()
    await test.server.stop()
  }

  @Test
  func unfinishedRequestsEnd() async throws {
    var limits = GRPCServer.Limits()
    limits.requestPatience = .milliseconds(100)
    let test = try await TestServer(Self.echo, limits: limits)
    let raw = try test.raw()
    raw.send(RawConnection.preface + RawConnection.emptySettings)
    let whole = GRPCServerTests.request(path: "/test/Echo", timeout: "1H", stream: 1)
    // Without its DATA frame.
    raw.send(Array(whole.dropLast(14)))
    #expect(try await test.wait { $0.calls(.deadlineExceeded) == 1 })
    // The connection goes on.
    raw.send(GRPCServerTests.request(path: "/test/Echo", timeout: "1H", stream: 3))
    #expect(try await test.wait { $0.calls(.ok) == 1 })
    await test.server.stop()
  }

  @Test
  func unfinishedRequestsAreBounded() async throws {
    var limits = GRPCServer.Limits()
    limits.bufferedBytes = 10_000
    let test = try await TestServer(Self.echo, limits: limits)
    let raw = try test.raw()
    raw.send(RawConnection.preface + RawConnection.emptySettings)
    for stream in stride(from: UInt8(1), to: 9, by: 2) {
      let whole = GRPCServerTests.request(path: "/test/Echo", timeout: "1H", stream: stream)
      raw.send(Array(whole.dropLast(14)))
      raw.send([0, 0x0B, 0xB8, 0, 0, 0, 0, 0, stream] + [UInt8](repeating: 0, count: 3000))
    }
    #expect(try await test.wait { $0.calls(.resourceExhausted) == 1 })
    await test.server.stop(grace: .milliseconds(10))
  }

  @Test
  func garbageClosesItsConnectionAndNothingElse() async throws {
    let test = try await TestServer(Self.echo)
    let client = try await test.client()
    var generator = SplitMix(state: 42)
    for round in 0..<200 {
      let raw = try test.raw()
      var bytes = (0..<Int.random(in: 1...400, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      if round % 2 == 0 { bytes = RawConnection.preface + RawConnection.emptySettings + bytes }
      raw.send(bytes)
    }
    #expect(try await client.call(.test(), [1]) == [1])
    #expect(try await test.wait { $0.connectionsOpen == 1 })
    await client.close()
    await test.server.stop()
  }

  @Test
  func plainHTTPRequestsAreToldSo() async throws {
    let test = try await TestServer(Self.echo)
    let raw = try test.raw()
    raw.send(Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
    #expect(raw.readToEnd() != nil)
    #expect(try await test.wait { $0.protocolErrors == 1 && $0.connectionsOpen == 0 })
    await test.server.stop()
  }

  /// grpc-go measures the link with a PING per call; 200 in 30 s is the library's default limit.
  @Test
  func pingsNeverEndAConnection() async throws {
    let test = try await TestServer(Self.echo)
    let raw = try test.raw()
    raw.send(RawConnection.preface + RawConnection.emptySettings)
    let ping: [UInt8] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
    let batch = Array(repeatElement(ping, count: 100).joined())
    var acknowledged = 0
    for _ in 0..<100 {
      #expect(raw.send(batch))
      acknowledged += raw.read(atLeast: batch.count).count
    }
    #expect(acknowledged >= 100 * batch.count)
    #expect(test.server.metrics.connectionsOpen == 1)
    await test.server.stop(grace: .milliseconds(10))
  }

  @Test
  func shutdownFinishesRunningCalls() async throws {
    let kept = Mutex<[GRPCCall]>([])
    let method = GRPCMethod(largestRequest: 16) { _, call in
      kept.withLock { $0.append(call) }
    }
    let test = try await TestServer(["/test/Slow": method])
    let client = try await test.client()
    async let answer = client.call(.test("/test/Slow"), [])
    #expect(try await test.wait { $0.callsStarted == 1 })
    async let stopped: Void = test.server.stop()
    try await Task.sleep(for: .milliseconds(50))
    // The client was told and starts nothing new here.
    var refused: GRPCStatus?
    for _ in 0..<50 where refused?.code != .unavailable {
      refused = await client.failure(.test("/test/Slow", timeout: .milliseconds(50)), [])
    }
    #expect(refused?.message == "the connection is closed")
    for call in kept.withLock({ $0 }) { call.respond(GRPCMessage([7])) }
    #expect(try await answer == [7])
    await stopped
    #expect(test.server.metrics.connectionsOpen == 0)
  }

  @Test(.timeLimit(.minutes(5)))
  func shutdownIsBounded() async throws {
    let method = GRPCMethod(largestRequest: 16) { _, _ in }
    let test = try await TestServer(["/test/Hang": method])
    let client = try await test.client()
    async let failure = client.failure(.test("/test/Hang"), [])
    #expect(try await test.wait { $0.callsStarted == 1 })
    // Without a bound this would never return: the call is never answered.
    await test.server.stop(grace: .milliseconds(100))
    #expect(await failure?.code == .unavailable)
    #expect(throws: SystemError.self) { try UnixSocket.connect(to: test.endpoint) }
  }
}

/// A generator that gives the same garbage each time.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
