import Glibc
import KeywardClient
import KeywardCrypto
import KeywardHTTPAPI
import KeywardModel
import NIOCore
import Synchronization
import Testing

extension HTTPAPITests {
  @Suite("HTTPServer: requests")
  struct HTTPServerTests {
    @Test("A request of every route's kind reaches its operation with the peer as caller")
    func roundTrips() async throws {
      try await TestServer.run { server in
        let client = try server.client()
        #expect(try client.status().initialized)
        let name = try KeyName("etcd/prod-eu")
        #expect(try client.showKey(name).type == .aes256)
        let request = CreateKeyRequest(
          name: "etcd/prod-eu",
          type: "aes-256",
          operations: ["encrypt"]
        )
        #expect(try client.createKey(request).name == "etcd/prod-eu")
        #expect(server.service.state.withLock { $0.created } == [request])
        let body = SecretBox(try SecretBytes.fixture(Array("abc".utf8)))
        let crypto = CryptoRequest(version: 7, context: [0, 255, 62], algorithm: "a b&c/+ü")
        let sealed = try client.transform(name, "encrypt", crypto, body)
        #expect(sealed.bytes == Array("cba".utf8))
        #expect(sealed.version == 3)
        #expect(server.service.state.withLock { $0.crypto } == [crypto])
        let opened = try client.reveal(name, "decrypt", CryptoRequest(), body)
        #expect(opened.body.bytes.revealed() == Array("cba".utf8))
        let signature = Array("cba".utf8)
        let verified = try client.check(name, "verify", CryptoRequest(signature: signature), body)
        #expect(verified == VerificationResult(valid: true, version: 3))
        let callers = server.service.state.withLock { $0.callers }
        #expect(callers.allSatisfy { $0.principal.uid == getuid() && $0.transport == .admin })
        #expect(Set(callers.map(\.requestID)).count == callers.count)
        #expect(callers.allSatisfy { $0.requestID.utf8.count == 16 })
      }
    }

    @Test("Import gives its limits to the operation")
    func importing() async throws {
      try await TestServer.run { server in
        let client = try server.client()
        let material = SecretBox(try SecretBytes(count: 32))
        let name = try KeyName("a")
        let wanted = ImportRequest(
          format: .raw,
          newKey: CreateKeyRequest(
            name: "a",
            type: "aes-256",
            operations: ["encrypt", "decrypt"],
            neverExportable: true,
            deletionProtected: false,
            allowedDestinations: ["aws-prod", "b"],
            requiredApprovals: 2,
            rotationPeriod: 86_400
          )
        )
        var requests = [wanted, ImportRequest(format: .pkcs8, newKey: nil)]
        let id = try #require(WrappingKeyID("once:" + String(repeating: "a", count: 26)))
        for algorithm in ImportWrapping.Algorithm.allCases {
          for key in [
            .oneTime(id), .named(try KeyName("kek/a"), version: nil),
            .named(try KeyName("kek/a"), version: 7),
          ] as [ImportWrapping.WrappingKey] {
            let wrapping = ImportWrapping(algorithm, under: key)
            requests.append(ImportRequest(format: .raw, newKey: wanted.newKey, wrapping: wrapping))
          }
        }
        for request in requests { _ = try client.importKey(name, request, material: material) }
        #expect(server.service.state.withLock { $0.imports } == requests)
      }
    }

    @Test("A wrapping key is asked for by name, type and time")
    func wrappingKey() async throws {
      try await TestServer.run { server in
        let client = try server.client()
        let wanted = WrappingKeyRequest(type: "rsa-3072", ttl: 60)
        let key = try client.makeWrappingKey(try KeyName("a/b"), wanted)
        #expect(key.key == "a/b" && key.type == .rsa3072)
        let id = try #require(WrappingKeyID("once:" + String(repeating: "b", count: 26)))
        #expect(WrappingKeyID(key.id) != nil && key.id != id.description)
        #expect(try client.discardWrappingKey(try KeyName("a/b"), id).id == id.description)
      }
    }

    @Test("The body of rekey is split at its first empty line")
    func rekey() async throws {
      try await TestServer.run { server in
        let client = try server.client()
        let input = SecretBox(try SecretBytes.fixture(Array("s1\ns2\n\npass\n\nword".utf8)))
        let request = try SealRequest(seal: .passphrase, shares: 3, threshold: 2)
        let shares = try client.rekey(request, input: input)
        #expect(shares.bytes.revealed() == Array("share-3\n".utf8))
        let bodies = server.service.state.withLock { $0.bodies }
        #expect(bodies == [Array("s1\ns2\n".utf8), Array("pass\n\nword".utf8)])
      }
    }

    @Test(
      "A service error comes back as a problem document with its code",
      arguments: ErrorCode.allCases
    )
    func problems(code: ErrorCode) async throws {
      try await TestServer.run { server in
        server.service.fail(with: ServiceError(code, "What is wrong.", remedy: "What to do."))
        let client = try server.client()
        do {
          _ = try client.status()
          Issue.record("no error")
        } catch ClientError.refused(let problem) {
          #expect(problem.code == code.rawValue)
          #expect(problem.status == code.httpStatus)
          #expect(problem.type == "urn:keyward:error:\(code.rawValue)")
          #expect(problem.detail == "What is wrong.")
          #expect(problem.remedy == "What to do.")
          #expect(
            problem.requestID == server.service.state.withLock { $0.callers.first?.requestID }
          )
        }
      }
    }

    @Test("Health checks: alive, ready or why not, and figures in the Prometheus form")
    func health() async throws {
      try await TestServer.run { server in
        let client = try server.client()
        #expect(try client.text("/livez") == (200, "ok\n"))
        #expect(try client.text("/readyz") == (200, "ok\n"))
        _ = try client.status()
        let metrics = try client.text("/metrics").text
        #expect(
          metrics.contains(
            "keyward_http_requests_total{listener=\"admin\",route=\"GET /api/v1/status\",status=\"200\"} 1\n"
          )
        )
        #expect(metrics.hasSuffix("extra_metric 1\n"))
        server.service.fail(with: ServiceError(.sealed, "sealed"))
        #expect(try client.text("/readyz") == (503, "sealed\n"))
      }
    }

    @Test("A stream arrives whole, and one that fails is cut and never taken for whole")
    func streams() async throws {
      try await TestServer.run { server in
        let client = try server.client()
        let null = open("/dev/null", O_WRONLY)
        defer { close(null) }
        try client.createBackup(to: null)
        #expect(eventually { server.service.state.withLock { $0.closedStreams } == 1 })
        server.service.fail(with: ServiceError(.tampered, "in the middle"))
        do {
          try client.createBackup(to: null)
          Issue.record("a cut stream was taken for whole")
        } catch ClientError.interrupted {
          #expect(eventually { server.service.state.withLock { $0.closedStreams } == 2 })
        }
      }
    }

    @Test("A stream is pulled no faster than the client reads")
    func backpressure() async throws {
      try await TestServer.run { server in
        let connection = try server.connect()
        connection.write("GET /api/v1/audit/export HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(eventually { server.service.state.withLock { $0.chunks } >= 1 })
        usleep(300_000)
        let early = server.service.state.withLock { $0.chunks }
        #expect(early < 50)
      }
    }

    @Test("Several requests on one connection, also sent at once, are answered in order")
    func pipelining() async throws {
      try await TestServer.run { server in
        let connection = try server.connect()
        let one = "GET /api/v1/keys/a HTTP/1.1\r\nHost: x\r\n\r\n"
        let two = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
        let three = "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
        connection.write(one + two + one + two + three)
        for expected in [200, 200, 200, 200, 404] {
          #expect(connection.readAnswer().status == expected)
        }
        #expect(connection.readAll().isEmpty)
      }
    }

    @Test("Draining lets a running request answer and closes the idle ones")
    func drain() async throws {
      try await TestServer.run { server in
        server.service.state.withLock { $0.delay = .milliseconds(400) }
        let idle = try server.connect()
        idle.write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(idle.readAnswer().status == 200)
        let busy = try server.connect()
        busy.write("GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(eventually { server.service.state.withLock { $0.running } == 1 })
        server.shutdown()
        let answer = busy.readAnswer()
        #expect(answer.status == 200)
        #expect(answer.head.contains("Connection: close"))
        #expect(idle.readAll().isEmpty)
        #expect(throws: (any Error).self) { _ = try server.connect() }
      }
    }
  }
}
