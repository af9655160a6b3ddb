import Foundation
import KeywardCrypto
import KeywardModel
import Synchronization
import Testing

@testable import KeywardCloud
@testable import KeywardExport

/// What is kept from one export to the next: a Google account and its tokens.
@Suite("Kept between exports")
struct KeptAccountTests {
  private static let pems = Mutex<[String]>([])

  /// The key of an account as its file has it; making one takes a while.
  private static func pem(_ index: Int) throws -> String {
    try pems.withLock { pems in
      while pems.count <= index {
        let der = try PrivateKey.generate(.rsa(bits: 2048)).pkcs8().revealed()
        pems.append(
          "-----BEGIN PRIVATE KEY-----\\n" + Data(der).base64EncodedString()
            + "\\n-----END PRIVATE KEY-----\\n"
        )
      }
      return pems[index]
    }
  }

  private static func account(
    _ email: String,
    key: Int = 0,
    tokenURL: String? = nil
  ) throws -> String {
    let url = tokenURL.map { "\"token_uri\": \"\($0)\", " } ?? ""
    return """
      {"type": "service_account", "client_email": "\(email)", "private_key_id": "k", \(url)
       "private_key": "\(try pem(key))"}
      """
  }

  private final class Folder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path

    init() throws {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String, mode: Int = 0o600) -> String {
      let file = path + "/" + name
      try? FileManager.default.removeItem(atPath: file)
      let attributes: [FileAttributeKey: Any] = [.posixPermissions: mode]
      let isMade = FileManager.default.createFile(
        atPath: file,
        contents: Data(text.utf8),
        attributes: attributes
      )
      #expect(isMade)
      return file
    }
  }

  // MARK: - The account

  @Test("An account is read once as long as its file has the same bytes")
  func sameBytes() throws {
    let folder = try Folder()
    let source = CredentialSource(home: folder.path)
    let text = try Self.account("a@b")
    let first = try source.google(file: folder.write("one", text))
    let again = try source.google(file: folder.path + "/one")
    let copy = try source.google(file: folder.write("two", text))
    #expect(first.tokens === again.tokens && first.tokens === copy.tokens)
    // Another process-wide source has its own.
    let other = try CredentialSource(home: folder.path).google(file: folder.path + "/one")
    #expect(other.tokens !== first.tokens)
  }

  @Test("Another identity has nothing of the one before", arguments: ["email", "key", "token_uri"])
  func otherIdentity(_ what: String) throws {
    let folder = try Folder()
    let source = CredentialSource(home: folder.path)
    let first = try source.google(file: folder.write("one", try Self.account("a@b")))
    let changed = try Self.account(
      what == "email" ? "c@d" : "a@b",
      key: what == "key" ? 1 : 0,
      tokenURL: what == "token_uri" ? "https://elsewhere.test/token" : nil
    )
    // In a file of its own, and in the place of the first.
    for name in ["two", "one"] {
      let next = try source.google(file: folder.write(name, changed))
      #expect(next.tokens !== first.tokens)
      #expect(next.clientEmail == (what == "email" ? "c@d" : "a@b"))
      let isSameKey = try next.privateKey.publicKey().spki() == first.privateKey.publicKey().spki()
      #expect(isSameKey == (what != "key"))
      #expect((next.tokenURL == first.tokenURL) == (what != "token_uri"))
    }
  }

  @Test("A file that is gone, open to others or spoilt is refused, whatever was kept")
  func noLongerThere() throws {
    let folder = try Folder()
    let source = CredentialSource(home: folder.path)
    let text = try Self.account("a@b")
    let path = folder.write("one", text)
    _ = try source.google(file: path)
    _ = folder.write("one", text, mode: 0o644)
    #expect(throws: CloudFailure.self) { _ = try source.google(file: path) }
    _ = folder.write("one", text + "x")
    #expect(throws: CloudFailure.self) { _ = try source.google(file: path) }
    try FileManager.default.removeItem(atPath: path)
    #expect(throws: CloudFailure.self) { _ = try source.google(file: path) }
    _ = folder.write("one", text)
    _ = try source.google(file: path)
  }

  // MARK: - Its tokens

  /// Gives each request the next token, and remembers where it went.
  private final class TokenEndpoint: CloudTransport {
    let asked = Mutex<[String]>([])

    func send(_ request: CloudRequest) async throws(CloudTransportError) -> CloudResponse {
      let count = asked.withLock { asked in
        asked.append(request.url)
        return asked.count
      }
      let answer = #"{"access_token": "t\#(count)", "token_type": "Bearer", "expires_in": 3599}"#
      guard let bytes = try? SecretBytes.fixture(Array(answer.utf8)) else { throw .timedOut }
      return CloudResponse(status: 200, body: [], secret: SecretBox(bytes))
    }
  }

  /// The time of all sessions of a test, in seconds.
  private final class Clock: Sendable {
    private let seconds = Mutex<Int64>(1_800_000_000)
    var now: Timestamp { seconds.withLock { Timestamp(milliseconds: $0 * 1000) } }

    func advance(_ count: Int64) { seconds.withLock { $0 += count } }
  }

  private static func header(
    _ account: GoogleServiceAccount,
    _ endpoint: TokenEndpoint,
    _ clock: Clock
  ) async throws -> String {
    // Each export has a session of its own.
    let session = CloudSession(transport: endpoint, now: { clock.now }, pause: { _ in })
    let header = try await OAuthGrant.serviceAccount(account, scope: "s", session)
    return String(decoding: header.bytes.revealed(), as: UTF8.self)
  }

  @Test("Sessions in a row share a token until a minute before its ten are over")
  func reuse() async throws {
    let folder = try Folder()
    let source = CredentialSource(home: folder.path)
    let path = folder.write("one", try Self.account("a@b"))
    let (endpoint, clock) = (TokenEndpoint(), Clock())
    for _ in 0..<3 {
      let header = try await Self.header(try source.google(file: path), endpoint, clock)
      #expect(header == "Bearer t1")
    }
    clock.advance(539)
    #expect(try await Self.header(try source.google(file: path), endpoint, clock) == "Bearer t1")
    clock.advance(1)
    #expect(try await Self.header(try source.google(file: path), endpoint, clock) == "Bearer t2")
    #expect(try await Self.header(try source.google(file: path), endpoint, clock) == "Bearer t2")
    #expect(endpoint.asked.withLock { $0.count } == 2)
  }

  /// Gives tokens, and refuses each of them.
  private final class RefusingEndpoint: CloudTransport {
    let shown = Mutex<[String]>([])
    let tokens = TokenEndpoint()
    let status: Int

    init(_ status: Int) { self.status = status }

    func send(_ request: CloudRequest) async throws(CloudTransportError) -> CloudResponse {
      guard let (_, header) = request.secretHeader else { return try await tokens.send(request) }
      shown.withLock { $0.append(String(decoding: header.bytes.revealed(), as: UTF8.self)) }
      return CloudResponse(status: status, body: [])
    }
  }

  @Test("A token that is refused is not shown again, and one that may less than asked stays")
  func refusedTokens() async throws {
    let folder = try Folder()
    let source = CredentialSource(home: folder.path)
    let path = folder.write("one", try Self.account("a@b"))
    let clock = Clock()
    for (status, tokens) in [
      (401, ["Bearer t1", "Bearer t2"]), (403, ["Bearer t3", "Bearer t3"]),
    ] {
      let endpoint = RefusingEndpoint(status)
      endpoint.tokens.asked.withLock {
        $0 = Array(repeating: "before", count: status == 401 ? 0 : 2)
      }
      for _ in 0..<2 {
        let session = CloudSession(transport: endpoint, now: { clock.now }, pause: { _ in })
        let service = GoogleKeyService(
          endpoint: "https://kms.test",
          account: try source.google(file: path)
        )
        await #expect(throws: CloudFailure.self) {
          try await service.call(.get, "projects/p", nil, "look", .always, session)
        }
      }
      #expect(endpoint.shown.withLock { $0 } == tokens)
    }
  }

  @Test("No account is given the token of another, of another key or of another endpoint")
  func apart() async throws {
    let folder = try Folder()
    let source = CredentialSource(home: folder.path)
    let (endpoint, clock) = (TokenEndpoint(), Clock())
    let accounts = [
      try Self.account("a@b"), try Self.account("c@d"), try Self.account("a@b", key: 1),
      try Self.account("a@b", tokenURL: "https://elsewhere.test/token"),
    ]
    for (index, text) in accounts.enumerated() {
      let account = try source.google(file: folder.write("\(index)", text))
      #expect(try await Self.header(account, endpoint, clock) == "Bearer t\(index + 1)")
    }
    let usual = GoogleServiceAccount.usualTokenURL
    #expect(
      endpoint.asked.withLock { $0 } == [usual, usual, usual, "https://elsewhere.test/token"]
    )
    // The first was not the last that was read: it asks anew rather than to share.
    let again = try source.google(file: folder.path + "/0")
    #expect(try await Self.header(again, endpoint, clock) == "Bearer t5")
  }
}
