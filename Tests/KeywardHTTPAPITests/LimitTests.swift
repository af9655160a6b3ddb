import Glibc
import KeywardClient
import KeywardHTTPAPI
import KeywardModel
import NIOCore
import Synchronization
import Testing

extension HTTPAPITests {
  /// Every maximum at the maximum and one over it.
  @Suite("HTTPServer: limits")
  struct LimitTests {
    struct Body: Sendable, CustomTestStringConvertible {
      let target: String
      let limit: Int

      var testDescription: String { target }
    }

    static let bodies = [
      Body(target: "/api/v1/keys/a:encrypt", limit: RouteTable.secretLimit),
      Body(target: "/api/v1/keys/a:decrypt", limit: RouteTable.ciphertextLimit),
      Body(target: "/api/v1/keys/a:sign", limit: RouteTable.messageLimit),
      Body(target: "/api/v1/operator/unseal", limit: RouteTable.secretLimit),
    ]

    private static func head(_ target: String, _ headers: String) -> String {
      "POST \(target) HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n\(headers)\r\n"
    }

    @Test("A body of the limit arrives whole, one byte more is 413", arguments: bodies)
    func bodyLimit(_ body: Body) async throws {
      try await TestServer.run { server in
        let bytes = (0..<body.limit).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let good = try server.connect()
        good.write(Self.head(body.target, "Content-Length: \(body.limit)\r\n"))
        good.write(bytes)
        #expect(good.readAnswer().status == 200)
        #expect(server.service.state.withLock { $0.bodies.last } == bytes)
        let count = server.service.state.withLock { $0.bodies.count }
        let announced = try server.connect()
        announced.write(Self.head(body.target, "Content-Length: \(body.limit + 1)\r\n"))
        #expect(announced.readAnswer().status == 413)
        let chunked = try server.connect()
        chunked.write(Self.head(body.target, "Transfer-Encoding: chunked\r\n"))
        chunked.write(String(body.limit, radix: 16) + "\r\n")
        chunked.write(bytes)
        chunked.write("\r\n1\r\nx\r\n0\r\n\r\n")
        #expect(chunked.readAnswer().status == 413)
        #expect(server.service.state.withLock { $0.bodies.count } == count)
      }
    }

    @Test("A chunked body of the limit arrives whole, in pieces of every size")
    func chunkedBody() async throws {
      try await TestServer.run { server in
        let bytes = (0..<RouteTable.secretLimit).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let connection = try server.connect()
        connection.write(
          Self.head("/api/v1/keys/a:encrypt", "Transfer-Encoding: chunked\r\n")
        )
        var rest = bytes[...]
        var size = 1
        while !rest.isEmpty {
          let piece = rest.prefix(size)
          connection.write(String(piece.count, radix: 16) + "\r\n")
          connection.write(Array(piece))
          connection.write("\r\n")
          rest = rest.dropFirst(size)
          size = size * 2 + 1
        }
        connection.write("0\r\n\r\n")
        #expect(connection.readAnswer().status == 200)
        #expect(server.service.state.withLock { $0.bodies.last } == bytes)
      }
    }

    @Test("A body of 10 GB is refused at its head, and the connection ends soon")
    func endlessBody() async throws {
      try await TestServer.run { server in
        let connection = try server.connect()
        connection.write(Self.head("/api/v1/keys/a:sign", "Content-Length: 10000000000\r\n"))
        var sent = 0
        let piece = [UInt8](repeating: 0x61, count: 1 << 16)
        while sent < 64 << 20, connection.write(piece) { sent += piece.count }
        #expect(sent < 8 << 20)
        #expect(connection.readAnswer().status == 413)
      }
    }

    @Test("Headers that do not come end with 408")
    func slowHeads() async throws {
      var limits = HTTPLimits()
      limits.headTimeout = .milliseconds(800)
      try await TestServer.run(limits: limits) { server in
        let silent = try server.connect()
        let slowHead = try server.connect()
        slowHead.write("GET /livez HTTP/1.1\r\nHo")
        #expect(silent.readAnswer().status == 408)
        #expect(slowHead.readAnswer().status == 408)
      }
    }

    @Test("500 bodies that do not come hold no memory and end with 408")
    func slowBodies() async throws {
      var limits = HTTPLimits()
      // On a machine that is busy all heads must come in time: this is about bodies.
      limits.headTimeout = .seconds(120)
      limits.bodyTimeout = .milliseconds(2500)
      try await TestServer.run(limits: limits) { server in
        let before = Self.residentBytes
        let connections = ConnectionList()
        for index in 0..<500 {
          try connections.add(server.connect())
          connections.write(
            index,
            Self.head("/api/v1/keys/a:sign", "Content-Length: 1000000\r\n") + "a"
          )
        }
        #expect(try server.client().text("/livez").status == 200)
        #expect(Self.residentBytes - before < 64 << 20)
        #expect(connections.statuses() == [Int](repeating: 408, count: 500))
        #expect(server.service.state.withLock { $0.bodies.isEmpty })
      }
    }

    @Test("Connections over the limit are closed at once")
    func connectionLimit() async throws {
      var limits = HTTPLimits()
      limits.connections = 3
      try await TestServer.run(limits: limits) { server in
        let connections = ConnectionList()
        for _ in 0..<3 { try connections.add(server.connect()) }
        for index in 0..<3 { connections.write(index, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n") }
        #expect(connections.statuses() == [200, 200, 200])
        let fourth = try server.connect()
        fourth.write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(fourth.readAll().isEmpty)
        connections.closeAll()
        let isBack = eventually {
          let answer = try? server.client().text("/livez")
          return answer?.status == 200
        }
        #expect(isBack)
      }
    }

    @Test("Requests over the limit in flight are refused quickly, health checks are not")
    func requestsInFlight() async throws {
      var limits = HTTPLimits()
      limits.requestsInFlight = 4
      try await TestServer.run(limits: limits) { server in
        server.service.state.withLock { $0.delay = .seconds(3) }
        let connections = ConnectionList()
        for index in 0..<12 {
          try connections.add(server.connect())
          connections.write(index, "GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
        }
        #expect(eventually { server.service.state.withLock { $0.running } == 4 })
        #expect(eventually { server.events.records.count { $0.status == 503 } == 8 })
        #expect(try server.client().text("/livez").status == 200)
        // All of this happened before a single handler was done.
        #expect(server.service.state.withLock { $0.running } == 4)
        let statuses = connections.statuses()
        #expect(statuses.count { $0 == 200 } == 4)
        #expect(statuses.count { $0 == 503 } == 8)
        #expect(server.service.state.withLock { $0.mostRunning } == 4)
      }
    }

    @Test("The memory for bodies is bounded over all connections and given back")
    func bodyMemory() async throws {
      var limits = HTTPLimits()
      limits.bodyBytes = 100_000
      try await TestServer.run(limits: limits) { server in
        let body = String(repeating: "a", count: 60_000)
        let first = try server.connect()
        first.write(Self.head("/api/v1/keys/a:encrypt", "Content-Length: 60001\r\n") + body)
        #expect(eventually { server.server.bodyBytes >= 60_000 })
        let second = try server.connect()
        second.write(Self.head("/api/v1/keys/a:encrypt", "Content-Length: 60000\r\n") + body)
        #expect(second.readAnswer().status == 503)
        first.write("a")
        #expect(first.readAnswer().status == 200)
        let third = try server.connect()
        third.write(Self.head("/api/v1/keys/a:encrypt", "Content-Length: 60000\r\n") + body)
        #expect(third.readAnswer().status == 200)
      }
    }

    @Test("Each way in which a brief request ends gives its place and its memory back")
    func placesAreGivenBack() async throws {
      var limits = HTTPLimits()
      limits.requestsInFlight = 2
      limits.bodyBytes = 1000
      try await TestServer.run(limits: limits) { server in
        let good = Self.head("/api/v1/keys/a:encrypt", "Content-Length: 900\r\n")
        let body = String(repeating: "a", count: 900)
        for _ in 0..<5 {
          let connection = try server.connect()
          // Refused by the route before the service is asked.
          connection.write(Self.head("/api/v1/keys/a:encrypt?version=0", "Content-Length: 0\r\n"))
          #expect(connection.readAnswer().status == 400)
          // Answered at once, on the loop.
          server.service.state.withLock { $0.error = ServiceError(.sealed, "It is sealed.") }
          connection.write(good + body)
          #expect(connection.readAnswer().status == 503)
          server.service.state.withLock { $0.error = nil }
          // Answered later, many at a time on one connection.
          connection.write(String(repeating: good + body, count: 5))
          for _ in 0..<5 { #expect(connection.readAnswer().status == 200) }
          // The client does not wait for the answer.
          server.service.state.withLock { $0.delay = .milliseconds(20) }
          do {
            let gone = try server.connect()
            gone.write(good + body)
            #expect(eventually { server.service.state.withLock { $0.running } == 1 })
          }
          server.service.state.withLock { $0.delay = nil }
          #expect(eventually { server.server.requests == 0 && server.server.bodyBytes == 0 })
        }
      }
    }

    @Test("A connection that only pipelines and never reads does not make the server read on")
    func pipeliningFlood() async throws {
      try await TestServer.run { server in
        server.service.state.withLock { $0.delay = .milliseconds(200) }
        let connection = try server.connect()
        connection.setTimeout(seconds: 1)
        let request = "GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
        let block = String(repeating: request, count: 1000)
        var blocks = 0
        while blocks < 1000, connection.write(block) { blocks += 1 }
        #expect(blocks < 200)
        #expect(server.service.state.withLock { $0.mostRunning } == 1)
      }
    }

    private static var residentBytes: Int {
      guard let file = fopen("/proc/self/statm", "r") else { return 0 }
      defer { fclose(file) }
      var line = [CChar](repeating: 0, count: 256)
      guard fgets(&line, 256, file) != nil else { return 0 }
      let words = line.prefix { $0 != 0 }.split(separator: CChar(bitPattern: 32))
      let pages = words.dropFirst().first.flatMap {
        Int(String(decoding: $0.map { UInt8(bitPattern: $0) }, as: UTF8.self))
      }
      return (pages ?? 0) * 4096
    }
  }
}

/// Many raw connections, which are not copyable and so cannot be in an array.
final class ConnectionList {
  private final class Box {
    let connection: RawConnection

    init(_ connection: consuming RawConnection) {
      self.connection = connection
    }
  }

  private var boxes: [Box] = []

  func add(_ connection: consuming RawConnection) { boxes.append(Box(connection)) }

  func write(_ index: Int, _ text: String) { boxes[index].connection.write(text) }

  func statuses() -> [Int] { boxes.map { $0.connection.readAnswer().status } }

  func closeAll() { boxes = [] }
}
