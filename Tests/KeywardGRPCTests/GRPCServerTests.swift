import Dispatch
import Glibc
import KeywardGRPC
import KeywardSystem
import NIOCore
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(2)))
struct GRPCServerTests {
  private static let echo = ["/test/Echo": GRPCMethod.echo]

  @Test(arguments: [0, 1, 5, 16_383, 16_384, 16_385, 65_535, 65_536, 300_000, 1 << 20])
  func answersMessagesOfAnySize(count: Int) async throws {
    let test = try await TestServer(Self.echo)
    let client = try await test.client()
    let sent = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    #expect(try await client.call(.test(), sent) == sent)
    await client.close()
    await test.server.stop()
  }

  /// More than the initial windows of stream and connection: hangs without WINDOW_UPDATE.
  @Test
  func aConnectionOutlivesItsFirstWindow() async throws {
    let test = try await TestServer(Self.echo)
    let client = try await test.client()
    let sent = [UInt8](repeating: 9, count: 10_000)
    for _ in 0..<50 { #expect(try await client.call(.test(), sent) == sent) }
    await client.close()
    await test.server.stop()
  }

  @Test
  func manyCallsRunAtOnceOnOneConnection() async throws {
    var limits = GRPCServer.Limits()
    limits.concurrentStreams = 50
    let test = try await TestServer(Self.echo, limits: limits)
    let client = try await test.client()
    await withTaskGroup(of: Bool.self) { group in
      // More than the concurrent streams the server allows: the client queues.
      for index in 0..<300 {
        group.addTask {
          let sent = withUnsafeBytes(of: index) { Array($0) }
          return (try? await client.call(.test(), sent)) == sent
        }
      }
      for await isEqual in group { #expect(isEqual) }
    }
    #expect(test.server.metrics.calls(.ok) == 300)
    await client.close()
    await test.server.stop()
  }

  @Test
  func unknownMethodsAreUnimplemented() async throws {
    let test = try await TestServer(Self.echo)
    let client = try await test.client()
    for path in ["/test/None", "/", "", "/test/Echo/", "/TEST/Echo"] {
      let error = await client.failure(.test(path), [1])
      #expect(error?.code == .unimplemented, "path \(path)")
    }
    #expect(try await client.call(.test(), [1]) == [1])
    await client.close()
    await test.server.stop()
  }

  @Test(arguments: ["plain words", "100 %", "größer als €", "a\nb\u{7F}", ""])
  func errorsKeepTheirWords(words: String) async throws {
    let method = GRPCMethod(largestRequest: 16) { _, call in
      call.fail(GRPCStatus(.failedPrecondition, words))
    }
    let test = try await TestServer(["/test/Fail": method])
    let client = try await test.client()
    let error = await client.failure(.test("/test/Fail"), [])
    #expect(error == GRPCStatus(.failedPrecondition, words))
    await client.close()
    await test.server.stop()
  }

  @Test(arguments: [(16, 16, nil), (16, 17, GRPCStatusCode.resourceExhausted)])
  func theSizeLimitIsInclusive(limit: Int, count: Int, code: GRPCStatusCode?) async throws {
    let method = GRPCMethod(largestRequest: limit) { _, call in call.respond(.empty) }
    let test = try await TestServer(["/test/Limited": method])
    let client = try await test.client()
    let error = await client.failure(.test("/test/Limited"), [UInt8](repeating: 1, count: count))
    #expect(error?.code == code)
    await client.close()
    await test.server.stop()
  }

  @Test
  func oversizedRequestsEndBeforeTheyAreComplete() async throws {
    let method = GRPCMethod(largestRequest: 1000) { _, call in call.respond(.empty) }
    let test = try await TestServer(["/test/Limited": method, "/test/Echo": .echo])
    let client = try await test.client()
    for _ in 0..<20 {
      let error = await client.failure(.test("/test/Limited"), [UInt8](repeating: 1, count: 50_000))
      #expect(error?.code == .resourceExhausted)
    }
    // What was sent in vain has not used up the connection's window.
    #expect(try await client.call(.test(), [1]) == [1])
    await client.close()
    await test.server.stop()
  }

  @Test
  func answersComeFromAnyThreadAndOnlyOnce() async throws {
    let method = GRPCMethod(largestRequest: 16) { message, call in
      let bytes = Array(buffer: message)
      for _ in 0..<4 {
        DispatchQueue.global().async { call.respond(GRPCMessage(bytes)) }
      }
    }
    let test = try await TestServer(["/test/Late": method])
    let client = try await test.client()
    await withTaskGroup(of: Bool.self) { group in
      for index in 0..<200 {
        group.addTask {
          let sent = withUnsafeBytes(of: index) { Array($0) }
          return (try? await client.call(.test("/test/Late"), sent)) == sent
        }
      }
      for await isEqual in group { #expect(isEqual) }
    }
    #expect(test.server.metrics.calls(.ok) == 200)
    await client.close()
    await test.server.stop()
  }

  /// The server's own deadline, judged with a client that does not give up by itself.
  @Test
  func theDeadlineEndsACallAtTheServer() async throws {
    let kept = Mutex<[GRPCCall]>([])
    let method = GRPCMethod(largestRequest: 16) { _, call in
      kept.withLock { $0.append(call) }
    }
    let test = try await TestServer(["/test/Hang": method])
    let raw = try test.raw()
    raw.send(RawConnection.preface + RawConnection.emptySettings)
    raw.send(Self.request(path: "/test/Hang", timeout: "50m", stream: 1))
    #expect(try await test.wait { $0.calls(.deadlineExceeded) == 1 })
    let call = try #require(kept.withLock { $0.first })
    #expect(call.isCancelled)
    #expect(call.deadline != nil)
    // Too late: dropped.
    call.respond(.empty)
    try await Task.sleep(for: .milliseconds(50))
    #expect(test.server.metrics.calls(.ok) == 0)
    await test.server.stop()
  }

  @Test
  func aPassedDeadlineNeverReachesTheHandler() async throws {
    let count = Atomic(0)
    let method = GRPCMethod(largestRequest: 16) { _, call in
      count.add(1, ordering: .relaxed)
      call.respond(.empty)
    }
    let test = try await TestServer(["/test/Count": method])
    let raw = try test.raw()
    raw.send(RawConnection.preface + RawConnection.emptySettings)
    raw.send(Self.request(path: "/test/Count", timeout: "0n", stream: 1))
    #expect(try await test.wait { $0.calls(.deadlineExceeded) == 1 })
    raw.send(Self.request(path: "/test/Count", timeout: "1x", stream: 3))
    #expect(try await test.wait { $0.calls(.invalidArgument) == 1 })
    #expect(count.load(ordering: .relaxed) == 0)
    await test.server.stop()
  }

  @Test
  func aClientThatLeavesCancelsItsCalls() async throws {
    let kept = Mutex<[GRPCCall]>([])
    let method = GRPCMethod(largestRequest: 16) { _, call in
      kept.withLock { $0.append(call) }
    }
    let test = try await TestServer(["/test/Hang": method])
    let client = try await test.client()
    // The client's own deadline resets the stream.
    let error = await client.failure(.test("/test/Hang", timeout: .milliseconds(50)), [])
    #expect(error?.code == .deadlineExceeded)
    async let abandoned = client.failure(.test("/test/Hang"), [])
    #expect(try await test.wait { $0.callsStarted == 2 })
    await client.close()
    #expect(await abandoned?.code == .unavailable)
    #expect(
      try await test.wait { $0.callsCancelled + $0.calls(.deadlineExceeded) == 2 }
    )
    #expect(kept.withLock { $0.allSatisfy(\.isCancelled) })
    await test.server.stop()
  }

  @Test
  func requestsAndSecretAnswersAreOverwritten() async throws {
    let kept = Mutex<[ByteBuffer]>([])
    let method = GRPCMethod(largestRequest: 200_000) { message, call in
      let answer = GRPCMessage(Array(buffer: message), isSecret: true)
      kept.withLock { $0 += [message, answer.payload] }
      call.respond(answer)
    }
    let test = try await TestServer(["/test/Secret": method])
    let client = try await test.client()
    for count in [32, 20_000, 100_000] {
      let sent = [UInt8](repeating: 0xA5, count: count)
      #expect(try await client.call(.test("/test/Secret"), sent) == sent)
    }
    // The connection's loop is done with its read when the next answer comes.
    _ = try await client.call(.test("/test/Secret"), [1])
    for message in kept.withLock({ $0.prefix(6) }) {
      #expect(message.readableBytes >= 32)
      #expect(message.readableBytesView.allSatisfy { $0 == 0 })
    }
    await client.close()
    await test.server.stop()
  }

  @Test
  func eachConnectionHasItsOwnContext() async throws {
    let method = GRPCMethod(largestRequest: 16) { _, call in
      let count = (call.connection.storage as? Int ?? 0) + 1
      call.connection.storage = count
      let isMe = call.connection.peer == GRPCPeer(pid: getpid(), uid: geteuid(), gid: getegid())
      call.respond(GRPCMessage([UInt8(count), isMe ? 1 : 0]))
    }
    let test = try await TestServer(["/test/Count": method])
    let clients = [try await test.client(), try await test.client()]
    for round in UInt8(1)...3 {
      for client in clients {
        #expect(try await client.call(.test("/test/Count"), []) == [round, 1])
      }
    }
    for client in clients { await client.close() }
    #expect(try await test.wait { $0.connectionsOpen == 0 })
    await test.server.stop()
  }

  /// A whole request with an empty message, its headers as HPACK literals.
  static func request(path: String, timeout: String, stream: UInt8) -> [UInt8] {
    var block: [UInt8] = [0x83, 0x86]
    for (name, value) in [
      (":path", path), (":authority", "localhost"), ("content-type", "application/grpc"),
      ("te", "trailers"), ("grpc-timeout", timeout),
    ] {
      block += [0, UInt8(name.utf8.count)] + Array(name.utf8)
      block += [UInt8(value.utf8.count)] + Array(value.utf8)
    }
    let headers: [UInt8] = [0, 0, UInt8(block.count), 1, 4, 0, 0, 0, stream]
    let data: [UInt8] = [0, 0, 5, 0, 1, 0, 0, 0, stream, 0, 0, 0, 0, 0]
    return headers + block + data
  }
}
