import Glibc
import KeywardClient
import KeywardHTTPAPI
import KeywardModel
import NIOCore
import Synchronization
import Testing

extension HTTPAPITests {
  /// Requests that no client of ours would make (reliability-security V13, V16, V22, V28, V30 to V33).
  @Suite("HTTPServer: hostile requests")
  struct HostileRequestTests {
    static let canary = "c4n4ryS3cr3tVALUE"

    struct Case: Sendable, CustomTestStringConvertible {
      let name: String
      let request: String
      let status: Int
      let code: String

      var testDescription: String { name }

      init(_ name: String, _ request: String, _ status: Int, _ code: String) {
        self.name = name
        self.request = request
        self.status = status
        self.code = code
      }
    }

    private static func get(_ target: String, _ headers: String = "") -> String {
      "GET \(target) HTTP/1.1\r\nHost: x\r\n\(headers)\r\n"
    }

    private static func post(
      _ target: String,
      type: String = "application/json",
      _ body: String,
      _ headers: String = ""
    ) -> String {
      "POST \(target) HTTP/1.1\r\nHost: x\r\nContent-Type: \(type)\r\n"
        + "Content-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
    }

    static let paths: [Case] = [
      "/api/v1/keys/a%2Fb", "/api/v1/keys/a/../b", "/api/v1/keys/./a", "/api/v1//keys/a",
      "//api/v1/keys/a", "/api/v1/keys/a/", "/api/v1/keys/a%00", "/api/v1/keys/%61",
      "/api/v1/keys/..", "/api/v1/keys/a;b", "/api/v1/keys/a\\b", "/api/v1/keys/a#b", "api/v1/keys",
      "http://evil/api/v1/keys/a", "/api/v1/keys/...", "/api/v1/keys/\(canary)%2e%2e",
      "/api/v1/keys/é", "*", "/api/v1/keys/" + String(repeating: "a", count: 600),
    ].map { Case("path \($0.prefix(40))", get($0), 400, "invalid_request") }

    static let queries: [Case] = [
      "?nonce=AAAA", "?limit=0", "?limit=1001", "?limit=-1", "?limit=01", "?limit=1&limit=1",
      "?limit", "?=1", "?limit=%zz", "?limit=1%", "?prefix=%00", "?prefix=%ff", "?prefix=a+b",
      "?deleted=yes", "?limit=99999999999999999999", "?\(canary)=1", "?prefix=\u{1}",
      "?" + (0..<17).map { _ in "limit=1" }.joined(separator: "&"), "?LIMIT=1", "??limit=1",
    ].map { Case("query \($0.prefix(40))", get("/api/v1/keys" + $0), 400, "invalid_request") }

    static let heads: [Case] = [
      Case("no host", "GET /livez HTTP/1.1\r\n\r\n", 400, "invalid_request"),
      Case("two hosts", get("/livez", "Host: y\r\n"), 400, "invalid_request"),
      Case("unknown path", get("/api/v2/keys"), 404, "not_found"),
      Case("unknown action", post("/api/v1/keys/a:explode", ""), 404, "not_found"),
      Case("two actions", post("/api/v1/keys/a:rotate:rotate", ""), 404, "not_found"),
      Case("no name", post("/api/v1/keys/:rotate", ""), 400, "invalid_request"),
      Case("wrong method", get("/api/v1/keys/a:rotate"), 405, "method_not_allowed"),
      Case(
        "unknown method",
        "BREW /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        400,
        "invalid_request"
      ),
      Case(
        "delete",
        "DELETE /api/v1/keys/a HTTP/1.1\r\nHost: x\r\n\r\n",
        405,
        "method_not_allowed"
      ),
      Case("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "invalid_request"),
      Case("not HTTP", "\u{16}\u{3}\u{1} hello \r\n\r\n", 400, "invalid_request"),
      Case(
        "header without a name",
        "GET /livez HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
        400,
        "invalid_request"
      ),
      Case(
        "header over the limit",
        get("/livez", "X-A: " + String(repeating: "a", count: 9000) + "\r\n"),
        431,
        "headers_too_large"
      ),
      Case(
        "too many headers",
        get("/livez", (0..<100).map { "X-\($0): 1\r\n" }.joined()),
        431,
        "headers_too_large"
      ),
      Case(
        "target over the limit",
        get("/livez?a=" + String(repeating: "a", count: 9000)),
        431,
        "headers_too_large"
      ),
      Case(
        "length and coding",
        post("/api/v1/keys", "{}", "Transfer-Encoding: chunked\r\n"),
        400,
        "invalid_request"
      ),
      Case(
        "two lengths",
        post("/api/v1/keys", "{}", "Content-Length: 3\r\n"),
        400,
        "invalid_request"
      ),
      Case(
        "negative length",
        "POST /api/v1/keys HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        400,
        "invalid_request"
      ),
      Case(
        "other coding",
        "POST /api/v1/keys HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        415,
        "unsupported_media_type"
      ),
      Case(
        "compressed body",
        post("/api/v1/keys", "{}", "Content-Encoding: gzip\r\n"),
        415,
        "unsupported_media_type"
      ),
      Case(
        "wrong type",
        post("/api/v1/keys", type: "text/plain", "{}"),
        415,
        "unsupported_media_type"
      ),
      Case(
        "wrong type of octets",
        post("/api/v1/keys/a:encrypt", "{}"),
        415,
        "unsupported_media_type"
      ),
      Case("body where none is due", post("/api/v1/keys/a:rotate", "x"), 400, "invalid_request"),
      Case("unknown expectation", get("/livez", "Expect: miracles\r\n"), 400, "invalid_request"),
      Case(
        "parameter missing",
        post("/api/v1/keys/a:state", ""),
        400,
        "invalid_request"
      ),
      Case(
        "bad base64url",
        post("/api/v1/keys/a:encrypt?context=AB\(canary)=", type: "application/octet-stream", ""),
        400,
        "invalid_request"
      ),
      Case(
        "bad name",
        post("/api/v1/keys/-a:encrypt", type: "application/octet-stream", ""),
        400,
        "invalid_request"
      ),
      Case(
        "threshold over shares",
        post("/api/v1/operator/init?shares=2&threshold=3", type: "application/octet-stream", ""),
        400,
        "invalid_request"
      ),
    ]

    static let bodies: [Case] = [
      ("empty", ""), ("not an object", "[]"), ("text", "\"\(canary)\""),
      ("cut", "{\"name\":\"\(canary)"),
      ("unknown field", "{\"name\":\"a\",\"type\":\"aes-256\",\"\(canary)\":1}"),
      ("nonce", "{\"name\":\"a\",\"type\":\"aes-256\",\"nonce\":\"\(canary)\"}"),
      ("field twice", "{\"name\":\"a\",\"name\":\"\(canary)\",\"type\":\"aes-256\"}"),
      ("field twice, escaped", "{\"name\":\"a\",\"n\\u0061me\":\"\(canary)\"}"),
      ("wrong type", "{\"name\":[\"\(canary)\"],\"type\":\"aes-256\"}"),
      ("missing field", "{\"name\":\"\(canary)\"}"),
      ("null", "{\"name\":null,\"type\":\"\(canary)\"}"),
      ("trailing", "{\"name\":\"a\",\"type\":\"aes-256\"}\(canary)"),
      ("trailing comma", "{\"name\":\"a\",}"), ("comment", "{/*\(canary)*/}"),
      ("NaN", "{\"a\":NaN}"),
      ("control character", "{\"name\":\"a\u{1}\(canary)\"}"),
      ("lone surrogate", "{\"name\":\"\\ud800\(canary)\"}"),
      ("unknown type", "{\"name\":\"a\",\"type\":\"\(canary)\"}"),
      ("unknown operation", "{\"name\":\"a\",\"type\":\"aes-256\",\"operations\":[\"\(canary)\"]}"),
      ("bad name", "{\"name\":\"../\(canary)\",\"type\":\"aes-256\"}"),
      (
        "huge number",
        "{\"name\":\"a\",\"type\":\"aes-256\",\"rotation_period\":"
          + String(repeating: "9", count: 39) + "}"
      ),
      ("depth bomb", String(repeating: "{\"a\":", count: 10_000)),
      ("array bomb", "{\"operations\":" + String(repeating: "[", count: 50_000)),
      ("value bomb", "{\"operations\":[" + String(repeating: "0,", count: 30_000) + "0]}"),
      (
        "key bomb",
        "{" + (0..<5000).map { "\"k\($0)\":0" }.joined(separator: ",") + "}"
      ),
      (
        "empty text bomb",
        "{\"operations\":[" + String(repeating: "\"\",", count: 20_000) + "\"\"]}"
      ),
    ].map { Case("body: \($0.0)", post("/api/v1/keys", $0.1), 400, "invalid_request") }

    @Test(
      "Each is refused with its code, without an echo of what was sent, and the server serves on",
      arguments: [paths, queries, heads, bodies].joined().map { $0 }
    )
    func refusals(_ item: Case) async throws {
      try await TestServer.run { server in
        let connection = try server.connect()
        connection.write(item.request)
        let answer = connection.readAnswer()
        #expect(answer.status == item.status)
        #expect(answer.body.contains("\"code\":\"\(item.code)\""))
        #expect(answer.head.lowercased().contains("content-type: application/problem+json"))
        #expect(answer.head.contains("Keyward-Request-Id: "))
        #expect(!(answer.head + answer.body).contains(Self.canary))
        #expect(try server.client().text("/livez").status == 200)
        let records = server.events.records
        #expect(records.contains { $0.status == item.status && $0.code?.rawValue == item.code })
        #expect(!records.contains { $0.route.contains(Self.canary) })
      }
    }

    @Test("V16: Identity headers and a client's request id mean nothing")
    func identity() async throws {
      try await TestServer.run { server in
        let connection = try server.connect()
        connection.write(
          Self.get(
            "/api/v1/status",
            """
            X-Remote-User: root\r
            Forwarded: for=1.2.3.4\r
            X-Forwarded-For: 1.2.3.4\r
            X-User-Id: root\r
            X-Forwarded-User: root\r
            X-Vault-Token: \(Self.canary)\r
            Keyward-Request-Id: \(Self.canary)\r

            """
          )
        )
        let answer = connection.readAnswer()
        #expect(answer.status == 200)
        #expect(!answer.head.contains(Self.canary))
        let caller = try #require(server.service.state.withLock { $0.callers.first })
        #expect(caller.principal.name == "uid:\(getuid())")
        #expect(caller.principal.kind == .unixPeer)
        #expect(!caller.requestID.contains(Self.canary))
      }
    }

    enum Bomb: String, CaseIterable, Sendable {
      case depth
      case keys
      case emptyTexts
      case doubledKey

      var body: String {
        switch self {
        case .depth: "{\"a\":" + String(repeating: "[", count: 100_000)
        case .keys: "{" + (0..<1_000_000).map { "\"\($0)\":0" }.joined(separator: ",") + "}"
        case .emptyTexts: "{\"a\":[" + String(repeating: "\"\",", count: 1_000_000) + "\"\"]}"
        case .doubledKey: "{" + String(repeating: "\"a\":0,", count: 100_000) + "\"a\":0}"
        }
      }
    }

    @Test(
      "JSON bombs are refused in less than 5 ms of processor time for each KiB",
      arguments: Bomb.allCases
    )
    func bombs(_ bomb: Bomb) async throws {
      let body = bomb.body
      try await TestServer.run { server in
        let connection = try server.connect()
        let start = Self.processorSeconds
        connection.write(Self.post("/api/v1/keys", body))
        let answer = connection.readAnswer()
        let used = Self.processorSeconds - start
        #expect(answer.status == 413)
        // Other tests share the process: the bound is the goal's own, far above what it takes.
        #expect(used < 0.005 * Double(body.utf8.count) / 1024 + 1)
        #expect(server.service.state.withLock { $0.created.isEmpty })
      }
    }

    private static var processorSeconds: Double {
      var time = timespec()
      clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
  }
}
