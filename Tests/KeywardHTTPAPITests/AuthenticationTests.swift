import Glibc
import KeywardCrypto
import KeywardHTTPAPI
import KeywardModel
import Synchronization
import Testing

extension HTTPAPITests {
  /// Whose a request is, on the admin socket.
  @Suite("HTTPServer: authentication")
  struct AuthenticationTests {
    private static func get(_ target: String, _ headers: String = "") -> String {
      "GET \(target) HTTP/1.1\r\nHost: x\r\n\(headers)\r\n"
    }

    @Test("Without a token the peer is the caller; with one the token counts")
    func tokenOverPeer() async throws {
      let authenticator = FakeAuthenticator()
      try await TestServer.run(authenticator: authenticator) { server in
        for header in [
          "", "Authorization: Bearer kwt_good\r\n", "authorization: bEARER kwt_good\r\n",
        ] {
          let connection = try server.connect()
          connection.write(Self.get("/api/v1/keys/a", header))
          #expect(connection.readAnswer().status == 200)
        }
        let callers = server.service.state.withLock { $0.callers }
        #expect(callers.map(\.principal.name) == ["uid:\(getuid())", "robot", "robot"])
        #expect(callers.allSatisfy { $0.transport == .admin && $0.source == nil })
        let shown = authenticator.state.withLock { $0.shown }
        #expect(shown.allSatisfy { $0.peer == .unix(uid: getuid(), pid: getpid()) })
      }
    }

    @Test("Two dots make a JWT, and no description shows a credential")
    func shapes() async throws {
      let authenticator = FakeAuthenticator()
      try await TestServer.run(authenticator: authenticator) { server in
        let connection = try server.connect()
        connection.write(
          Self.get("/api/v1/keys/a", "Authorization: Bearer \(FakeAuthenticator.jwt)\r\n")
        )
        #expect(connection.readAnswer().status == 200)
        let shown = try #require(authenticator.state.withLock { $0.shown.first })
        #expect(shown.bearer == .jwt(FakeAuthenticator.jwt))
        for text in ["\(shown)", String(reflecting: shown)] {
          #expect(!text.contains("claims"))
        }
        var dumped = ""
        dump(shown, to: &dumped)
        #expect(!dumped.contains("claims"))
      }
      #expect(BearerCredential("kwt_abc") == .token("kwt_abc"))
      #expect(BearerCredential("a.b") == .token("a.b"))
      #expect(BearerCredential("a.b.c.d") == .token("a.b.c.d"))
      #expect(BearerCredential(String(repeating: "a", count: 8192)) != nil)
      #expect(BearerCredential(String(repeating: "a", count: 8193)) == nil)
      for text in ["", " ", "a b", "a,b", "é", "a\"", "a\u{0}"] {
        #expect(BearerCredential(text) == nil)
      }
    }

    struct Header: Sendable, CustomTestStringConvertible {
      let lines: String
      let status: Int

      var testDescription: String { lines.debugDescription }

      init(_ lines: String, _ status: Int) {
        self.lines = lines
        self.status = status
      }
    }

    private static let approval = "apr-" + String(repeating: "a", count: 26)

    static let headers = [
      Header("Authorization: Bearer unknown", 401),
      Header("Authorization: Basic cm9vdDpyb290", 401),
      Header("Authorization: Bearer", 401),
      Header("Authorization:", 401),
      Header("Authorization: Bearer  kwt_good", 401),
      Header("Authorization: Bearer kwt_good, Bearer kwt_good", 401),
      Header("Authorization: kwt_good", 401),
      Header("Authorization: Bearer kwt_good\r\nAuthorization: Bearer kwt_good", 400),
      Header("Authorization: Bearer kwt_good\r\nauthorization: Bearer other", 400),
      Header("Keyward-Approval: yes", 400),
      Header("Keyward-Approval: \(approval)\r\nKeyward-Approval: \(approval)", 400),
    ]

    @Test(
      "V16: A wrong, doubled or foreign credential is refused without an echo",
      arguments: headers
    )
    func refusals(_ header: Header) async throws {
      try await TestServer.run(authenticator: FakeAuthenticator()) { server in
        let connection = try server.connect()
        connection.write(Self.get("/api/v1/keys/a", header.lines + "\r\n"))
        let answer = connection.readAnswer()
        #expect(answer.status == header.status)
        #expect(answer.head.contains("WWW-Authenticate: Bearer\r\n") == (header.status == 401))
        for word in ["kwt_", "cm9v", "unknown", "other"] { #expect(!answer.body.contains(word)) }
        #expect(server.service.state.withLock { $0.callers.isEmpty })
      }
    }

    @Test("An approval comes to the caller with the digest of the whole request")
    func digest() async throws {
      try await TestServer.run(authenticator: FakeAuthenticator()) { server in
        let body = "secret bytes"
        let connection = try server.connect()
        connection.write(
          "POST /api/v1/keys/a/b:encrypt?version=7&context=AAAA&algorithm=x%20y HTTP/1.1\r\n"
            + "Host: x\r\nContent-Type: application/octet-stream\r\n"
            + "Keyward-Approval: \(Self.approval)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        #expect(connection.readAnswer().status == 200)
        let caller = try #require(server.service.state.withLock { $0.callers.first })
        #expect(caller.approval == ApprovalID(Self.approval))
        var record = Array("keyward-request-v1\0".utf8)
        for text in [
          "POST", "/api/v1/keys/a/b:encrypt", "algorithm", "x y", "context", "AAAA", "version", "7",
        ] {
          record += [0, 0, 0, UInt8(text.utf8.count)] + Array(text.utf8)
        }
        record += [255, 255, 255, 255] + Array(body.utf8)
        #expect(caller.digest == RequestDigest(Digest.sha256(record)))
      }
    }

    @Test("init is the peer's alone, and a token does not stand in its way")
    func peerRoutes() async throws {
      let authenticator = FakeAuthenticator()
      try await TestServer.run(authenticator: authenticator) { server in
        let connection = try server.connect()
        connection.write(
          "POST /api/v1/operator/init HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer old\r\n"
            + "Content-Length: 0\r\n\r\n"
        )
        #expect(connection.readAnswer().status == 200)
        #expect(authenticator.state.withLock { $0.shown.isEmpty })
        let caller = try #require(server.service.state.withLock { $0.callers.first })
        #expect(caller.principal.kind == .unixPeer)
      }
    }
  }
}
