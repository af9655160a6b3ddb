import Dispatch
import Glibc
import KeywardHTTPAPI
import KeywardHTTPClient
import KeywardModel
import Synchronization
import Testing

extension HTTPAPITests {
  @Suite("HTTPServer: idempotency keys")
  struct IdempotencyTests {
    private static func create(
      _ server: HTTPSTestServer,
      key: String?,
      name: String = "etcd/prod-eu",
      token: String = FakeAuthenticator.token
    ) throws -> HTTPClientResponse {
      var headers = [(name: "Authorization", value: "Bearer " + token)]
      if let key { headers.append((name: "Idempotency-Key", value: key)) }
      let json = "{\"name\":\"\(name)\",\"type\":\"aes-256\"}"
      return try server.send(
        .post,
        "/api/v1/keys",
        body: .bytes(Array(json.utf8), contentType: "application/json"),
        headers: headers
      )
    }

    @Test("The same request gets the same answer, another request under the key is a conflict")
    func repetition() async throws {
      try await HTTPSTestServer.run { server in
        let first = try Self.create(server, key: "one")
        let second = try Self.create(server, key: "one")
        #expect(first.status == 201)
        #expect(second.status == 201)
        #expect(first.bytes == second.bytes)
        #expect(first.headers["keyward-request-id"] != second.headers["keyward-request-id"])
        #expect(server.service.state.withLock { $0.created.count } == 1)
        #expect(try Self.create(server, key: "one", name: "other").status == 409)
        #expect(try Self.create(server, key: "two").status == 201)
        #expect(try Self.create(server, key: nil).status == 201)
        // A key is its principal's own, and the repetition has to prove who it is.
        #expect(try Self.create(server, key: "one", token: "kwt_of-you").status == 201)
        #expect(try Self.create(server, key: "one", token: "revoked").status == 401)
        #expect(server.service.state.withLock { $0.created.count } == 4)
      }
    }

    @Test("Repetitions that come at the same time wait for the first")
    func concurrency() async throws {
      try await HTTPSTestServer.run { server in
        server.service.state.withLock { $0.delay = .milliseconds(400) }
        let bodies = Mutex<[[UInt8]]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
          guard let answer = try? Self.create(server, key: "same"), answer.status == 201 else {
            return
          }
          bodies.withLock { $0.append(answer.bytes) }
        }
        #expect(bodies.withLock { $0.count } == 8)
        #expect(bodies.withLock { Set($0).count } == 1)
        #expect(server.service.state.withLock { $0.created.count } == 1)
      }
    }

    @Test("A failure is not kept: the repetition tries again")
    func failure() async throws {
      try await HTTPSTestServer.run { server in
        server.service.fail(with: ServiceError(.storageFull, "The disk is full."))
        let failed = try Self.create(server, key: "k")
        #expect(failed.status == 507)
        server.service.state.withLock { $0.error = nil }
        let made = try Self.create(server, key: "k")
        #expect(made.status == 201)
        #expect(server.service.state.withLock { $0.created.count } == 2)
      }
    }

    @Test("A creation goes on when its connection ends, and the repetition gets its answer")
    func lostConnection() async throws {
      try await TestServer.run { server in
        server.service.state.withLock { $0.delay = .milliseconds(500) }
        let json = "{\"name\":\"a\",\"type\":\"aes-256\"}"
        let request =
          "POST /api/v1/keys HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
          + "Idempotency-Key: lost\r\nContent-Length: \(json.utf8.count)\r\n\r\n\(json)"
        do {
          let connection = try server.connect()
          connection.write(request)
          #expect(eventually { server.service.state.withLock { $0.running } == 1 })
        }
        let again = try server.connect()
        again.write(request)
        #expect(again.readAnswer().status == 201)
        #expect(server.service.state.withLock { $0.created.count } == 1)
      }
    }

    @Test("Only creations take a key, and only in its form")
    func forms() async throws {
      try await HTTPSTestServer.run { server in
        let longest = String(repeating: "k", count: 128)
        #expect(try Self.create(server, key: longest).status == 201)
        for bad in [longest + "k", "a b"] {
          #expect(try Self.create(server, key: bad).status == 400, "\(bad)")
        }
        let headers = [
          (name: "Authorization", value: "Bearer kwt_good"),
          (name: "Idempotency-Key", value: "k"),
        ]
        #expect(try server.send(.get, "/api/v1/keys", headers: headers).status == 400)
        #expect(try server.send(.post, "/api/v1/keys/a:rotate", headers: headers).status == 400)
        let secret = HTTPClientRequest.Body.bytes([1], contentType: "application/octet-stream")
        let answer = try server.send(
          .post,
          "/api/v1/keys/a:decrypt",
          body: secret,
          headers: headers
        )
        #expect(answer.status == 400)
        let twice = headers + [(name: "Idempotency-Key", value: "k")]
        #expect(try server.send(.post, "/api/v1/keys", headers: twice).status == 400)
      }
      // Our own client sends no such header.
      try await TestServer.run { server in
        for bad in ["é", "\u{7f}"] {
          let connection = try server.connect()
          connection.write(
            "POST /api/v1/keys HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
              + "Idempotency-Key: \(bad)\r\nContent-Length: 2\r\n\r\n{}"
          )
          #expect(connection.readAnswer().status == 400, "\(bad)")
        }
      }
    }
  }
}
