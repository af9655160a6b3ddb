import Glibc
import KeywardClient
import KeywardCrypto
import KeywardHTTPAPI
import KeywardHTTPClient
import KeywardModel
import KeywardSystem
import NIOCore
import Synchronization
import Testing

extension HTTPAPITests {
  /// The API behind TLS.
  @Suite("HTTPServer: HTTPS")
  struct HTTPSTests {
    @Test("A token makes the caller, with the address of the peer")
    func token() async throws {
      try await HTTPSTestServer.run { server in
        let client = try server.client()
        #expect(try client.showKey(try KeyName("a")).type == .aes256)
        let body = SecretBox(try SecretBytes.fixture(Array("abc".utf8)))
        let opened = try client.reveal(try KeyName("a"), "decrypt", CryptoRequest(), body)
        #expect(opened.body.bytes.revealed() == Array("cba".utf8))
        let caller = try #require(server.service.state.withLock { $0.callers.first })
        #expect(caller.principal == Principal(kind: .token, name: "robot"))
        #expect(caller.transport == .https)
        #expect(caller.source == NetworkAddress("127.0.0.1"))
        let shown = try #require(server.authenticator.state.withLock { $0.shown.first })
        #expect(shown.peer == .network(try #require(NetworkAddress("127.0.0.1")), certificates: []))
      }
    }

    private static func body(of route: Route) -> HTTPClientRequest.Body {
      switch route.body {
      case .none: .none
      case .json: .bytes(Array("{}".utf8), contentType: "application/json")
      case .octets: .bytes([1], contentType: "application/octet-stream")
      }
    }

    private static func target(of route: Route) -> String {
      let path = route.pattern.replacing("{name}", with: "a")
      let query = route.parameters.filter(\.isRequired).map { "\($0.name)=1" }
      return path + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
    }

    @Test("Without a credential and with an unknown one, every route but the open ones is 401")
    func unauthenticated() async throws {
      try await HTTPSTestServer.run { server in
        for route in RouteTable.all {
          let method = try #require(HTTPClientRequest.Method(rawValue: route.method.rawValue))
          for header in [nil, "Bearer nobody"] {
            let answer = try server.send(
              method,
              Self.target(of: route),
              body: Self.body(of: route),
              headers: header.map { [("Authorization", $0)] } ?? []
            )
            switch (route.authentication, route.knowsCallers && header != nil) {
            case (.credential, _), (.none, true):
              #expect(answer.status == 401, "\(route.name)")
              #expect(answer.headers["www-authenticate"] == "Bearer")
            case (.peer, _):
              #expect(answer.status == 404, "\(route.name)")
            case (.none, false):
              // A login reads its body, which is none here.
              let isLogin = route.operation == .authLogin
              #expect(answer.status == (isLogin ? 400 : 200), "\(route.name)")
            }
          }
        }
        let callers = server.service.state.withLock { $0.callers }
        #expect(callers.allSatisfy { $0.principal == .anonymous && $0.transport == .https })
      }
    }

    @Test("A sealed server tells its progress to a token that it cannot know")
    func sealedStatus() async throws {
      try await HTTPSTestServer.run { server in
        server.authenticator.state.withLock { $0.isSealed = true }
        #expect(try server.client().status().initialized)
        let caller = try #require(server.service.state.withLock { $0.callers.first })
        #expect(caller.principal == .anonymous)
        do {
          _ = try server.client().showKey(try KeyName("a"))
          Issue.record("no error")
        } catch ClientError.refused(let problem) {
          #expect(problem.code == "sealed")
        }
      }
    }

    @Test("Nobody unknown accepts an older database")
    func rollback() async throws {
      try await HTTPSTestServer.run { server in
        let answer = try server.send(
          .post,
          "/api/v1/operator/unseal?accept=rollback",
          body: .bytes([1], contentType: "application/octet-stream")
        )
        #expect(answer.status == 403)
        #expect(server.service.state.withLock { $0.callers.isEmpty })
      }
    }

    @Test("A client certificate is asked for, not judged, and comes to the authenticator as DER")
    func certificates() async throws {
      for mode in TLSIdentity.ClientCertificates.allCases {
        try await HTTPSTestServer.run(clientCertificates: mode) { server in
          let path = server.folder + "/client"
          try HTTPSTestServer.writePair(path, name: "client")
          let known = Result { try server.client(token: nil, certificate: path).listed }
          let unknown = Result { try server.client(token: nil).listed }
          let token = Result { try server.client().listed }
          let shown = server.authenticator.state.withLock { $0.shown.map(\.peer.certificates) }
          switch mode {
          case .off:
            #expect([known.refusal, unknown.refusal] == ["unauthenticated", "unauthenticated"])
            #expect(token.refusal == nil)
            #expect(shown.allSatisfy { $0.isEmpty })
          case .optional:
            #expect(known.refusal == nil)
            #expect(unknown.refusal == "unauthenticated")
            #expect(token.refusal == nil)
            #expect(shown.map(\.count) == [1, 0, 0])
            #expect(shown.first?.first?.first == 0x30)
          case .required:
            #expect(known.refusal == nil)
            #expect(unknown.refusal == "no TLS")
            #expect(token.refusal == "no TLS")
            #expect(shown.map(\.count) == [1])
          }
        }
      }
    }

    @Test("A new pair is served to new connections; a bad one is not taken")
    func reload() async throws {
      try await HTTPSTestServer.run { server in
        let open = try server.client()
        _ = try open.version()
        let (crt, key) = (server.folder + "/server.crt", server.folder + "/server.key")
        #expect(try !server.identity.reload(isForced: false))
        // Another key than the certificate's.
        try HTTPSTestServer.writePair(server.folder + "/other")
        rename(server.folder + "/other.key", key)
        #expect(throws: SystemError.self) { try server.identity.reload(isForced: false) }
        #expect(try !server.identity.reload(isForced: false))
        #expect(throws: SystemError.self) { try server.identity.reload(isForced: true) }
        _ = try server.client().version()
        // The certificate that goes with it.
        rename(server.folder + "/other.crt", crt)
        #expect(try server.identity.reload(isForced: false))
        _ = try server.client().version()
        _ = try open.version()
        // Not PEM, cut in the middle, expired, gone, open to others.
        let good = try FileDescriptor.open(crt, O_RDONLY).readAll(from: crt, limit: 1 << 16)
        for bad in [[UInt8]("hello".utf8), Array(good.prefix(200)), []] {
          try HTTPSTestServer.write(bad, to: crt)
          #expect(throws: SystemError.self) { try server.identity.reload(isForced: true) }
        }
        unlink(crt)
        #expect(throws: SystemError.self) { try server.identity.reload(isForced: true) }
        try HTTPSTestServer.write(good, to: crt)
        chmod(key, 0o640)
        do {
          _ = try server.identity.reload(isForced: true)
          Issue.record("a key that others can read was taken")
        } catch let error as SystemError {
          #expect(error.kind == .tooPermissive)
          #expect(error.message.contains("chmod 600 \(key)"))
        }
        chmod(key, 0o600)
        #expect(try server.identity.reload(isForced: true))
        #expect(try server.client().version().api == "v1")
      }
    }

    @Test("Pairs that are links are followed, as certificate managers make them")
    func links() async throws {
      try await HTTPSTestServer.run { server in
        try HTTPSTestServer.writePair(server.folder + "/real")
        for kind in ["crt", "key"] {
          symlink(server.folder + "/real.\(kind)", server.folder + "/link.\(kind)")
        }
        let identity = try TLSIdentity(
          certificate: server.folder + "/link.crt",
          key: server.folder + "/link.key",
          clientCertificates: .off
        )
        try HTTPSTestServer.writePair(server.folder + "/real")
        #expect(try identity.reload(isForced: false))
      }
    }

    @Test("Connections from one address are bounded")
    func connectionsPerAddress() async throws {
      var limits = HTTPLimits()
      limits.connectionsPerAddress = 3
      try await HTTPSTestServer.run(limits: limits) { server in
        let clients = try (0..<3).map { _ in try server.client() }
        for client in clients { _ = try client.version() }
        #expect(throws: ClientError.self) { try server.client().version() }
        for client in clients { _ = try client.version() }
      }
    }

    @Test("A document is fetched whole, within its limit, from a server that is trusted")
    func fetch() async throws {
      try await HTTPSTestServer.run { server in
        let files = TLSFiles(authorities: server.folder + "/server.crt")
        let url = try #require(HTTPSURL(server.address + "/api/v1/version"))
        let bytes = try HTTPClient.fetch(url, files)
        #expect(String(decoding: bytes, as: UTF8.self).contains("\"api\":\"v1\""))
        #expect(throws: HTTPClientError.tooLarge(limit: 5)) {
          try HTTPClient.fetch(url, files, limit: 5)
        }
        let missing = try #require(HTTPSURL(server.address + "/nowhere"))
        let words = "\(missing) was answered with status 404"
        #expect(throws: HTTPClientError.failed(reason: words)) {
          try HTTPClient.fetch(missing, files)
        }
        do throws(HTTPClientError) {
          _ = try HTTPClient.fetch(url)
          Issue.record("a server that nobody vouches for was trusted")
        } catch {
          guard case .untrusted(let reason) = error else {
            Issue.record("\(error)")
            return
          }
          #expect(!reason.isEmpty)
        }
        server.service.state.withLock { $0.delay = .seconds(5) }
        let slow = try #require(HTTPSURL(server.address + "/api/v1/status"))
        #expect(throws: HTTPClientError.timedOut) {
          try HTTPClient.fetch(slow, files, timeout: 300)
        }
      }
    }

    @Test("The addresses of servers and documents have one spelling")
    func addresses() {
      for good in [
        "https://a", "https://a.example:8200", "https://127.0.0.1:1", "https://[::1]:8200",
        "https://a/",
      ] {
        #expect(ServerAddress(good)?.isHTTPS == true, "\(good)")
      }
      for bad in [
        "http://a", "https://", "https://a:0", "https://a:65536", "https://a:", "https://u@a",
        "https://a/x", "https://a?x", "https://a#x", "HTTPS://a", "https://a b", "https://[a",
        "https://é", "https://a\\b", "https://[::1]x",
      ] {
        #expect(ServerAddress(bad) == nil, "\(bad)")
      }
      #expect(HTTPSURL("https://a/b?c=d%20e")?.target == "/b?c=d%20e")
      #expect(HTTPSURL("https://a")?.target == "/")
      #expect(HTTPSURL("https://a?x=1")?.target == "/?x=1")
      #expect(HTTPSURL("https://a:443/.well-known/openid-configuration")?.authority == "a:443")
      for bad in [
        "http://a/b", "https://u:p@a/b", "https://a/b#c", "https://a/b c", "https://a/\u{7f}",
        "https:///b", "https://a\\@b/", "https://" + String(repeating: "a", count: 2100),
      ] {
        #expect(HTTPSURL(bad) == nil, "\(bad)")
      }
    }
  }
}

extension KeywardClient {
  /// Asks for something that needs a credential.
  fileprivate var listed: KeyPage {
    get throws { try listKeys(prefix: "", limit: 1, cursor: nil, includingDeleted: false) }
  }
}

extension Result where Failure == any Error {
  /// The code of a refusal, `no TLS` where the connection failed, nil for a success.
  fileprivate var refusal: String? {
    switch self {
    case .success: nil
    case .failure(ClientError.refused(let problem)): problem.code
    case .failure(ClientError.untrusted), .failure(ClientError.interrupted): "no TLS"
    case .failure(let error): "\(error)"
    }
  }
}
