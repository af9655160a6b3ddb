import Foundation
import KeywardCrypto
import KeywardModel
import Testing

@testable import KeywardClient

@Suite
struct LoginCredentialTests {
  private let client: KeywardClient

  init() throws {
    client = try KeywardClient(try #require(ServerAddress("unix:///nowhere")))
  }

  private func text(_ text: String) throws -> LoginCredential.Text? {
    LoginCredential.Text(SecretBox(try SecretBytes.fixture(Array(text.utf8))))
  }

  /// What is put together in the arena is the request that the server reads.
  @Test
  func theBodyIsTheRequest() throws {
    let secret = "eyJhbGciOiJub25lIn0.e30.~+/=-_!#$%&'()*,:;<>?@[]^`{|}"
    let credentials: [(LoginCredential, LoginRequest)] = [
      (.jwt(try #require(try text(secret))), LoginRequest(method: .jwt, jwt: secret)),
      (.certificate, LoginRequest(method: .certificate)),
      (
        .role(id: "odd \" id\\", try #require(try text(secret))),
        LoginRequest(method: .role, roleID: "odd \" id\\", secretID: secret)
      ),
    ]
    for (credential, request) in credentials {
      for ttl: Int64? in [nil, 60] {
        var wanted = request
        wanted.ttl = ttl
        let body = Data(try client.loginBody(credential, ttl: ttl).bytes.revealed())
        #expect(try JSONDecoder().decode(LoginRequest.self, from: body) == wanted)
      }
      #expect(!"\(credential)".contains(secret))
    }
  }

  /// Nothing that JSON would have to escape gets in, so that no secret can add a field.
  @Test
  func whatDoesNotStandInJSONIsRefused() throws {
    for odd in ["", " ", "a b", "a\"b", "a\\b", "a\n", "\u{7f}", "é", "\0"] {
      #expect(try text(odd) == nil, "\(odd)")
    }
    for byte in UInt8.min...UInt8.max {
      let one = SecretBox(try SecretBytes.fixture([byte]))
      let json = Array("\"".utf8) + [byte] + Array("\"".utf8)
      let read = try? JSONDecoder().decode(String.self, from: Data(json))
      let isPlain = byte > 0x20 && byte < 0x7f && read.map { Array($0.utf8) } == [byte]
      #expect((LoginCredential.Text(one) != nil) == isPlain, "\(byte)")
    }
  }
}
