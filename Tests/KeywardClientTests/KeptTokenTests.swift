import KeywardModel
import Testing

@testable import KeywardClient

@Suite
struct KeptTokenTests {
  private static let digest = String(repeating: "0a", count: 32)

  private func origin(_ address: String, _ authorities: String? = nil) throws -> TokenOrigin {
    TokenOrigin(try #require(ServerAddress(address)), authorities: authorities)
  }

  @Test
  func whatWasKeptIsReadAgain() throws {
    let origins: [TokenOrigin?] = [
      nil, try origin("https://keyward.example.com"), try origin("https://[::1]:8200", Self.digest),
      try origin("unix:///run/keyward/admin.sock"), try origin("unix:///@keyward"),
    ]
    for origin in origins {
      let kept = KeptToken(try #require(BearerCredential("kwt_abc")), origin: origin)
      let read = try #require(KeptToken(kept.text))
      #expect(read.credential == kept.credential && read.origin == origin)
      #expect(!"\(kept)".contains("kwt_abc"))
    }
    let text = KeptToken(
      try #require(BearerCredential("kwt_abc")),
      origin: try origin("https://A.example", Self.digest)
    ).text
    #expect(text == "kwt_abc\nserver https://a.example:443\nauthorities \(Self.digest)\n")
  }

  /// A file that was made by hand, with whatever line end an editor left.
  @Test
  func aTokenAloneHasNoOrigin() throws {
    for text in ["kwt_abc", "kwt_abc\n", "kwt_abc\r\n", "kwt_abc\n\n"] {
      let kept = try #require(KeptToken(text))
      #expect(kept.credential.revealed == "kwt_abc" && kept.origin == nil)
    }
  }

  /// A damaged origin is no origin that is missing.
  @Test
  func anythingElseIsRefused() throws {
    let server = "server https://a:443\n"
    let texts = [
      "", "\n", "a b\n", "\nkwt_abc\n", "kwt_abc\n\n\(server)", "kwt_abc\nkwt_def\n",
      "kwt_abc\nserver https://a\n", "kwt_abc\nserver https://A:443\n", "kwt_abc\nserver \n",
      "kwt_abc\nserver http://a:443\n", "kwt_abc\nhttps://a:443\n", "\(server)kwt_abc\n",
      "kwt_abc\n\(server)\(server)", "kwt_abc\n\(server)authorities system\n",
      "kwt_abc\n\(server)authorities \(Self.digest.dropLast())\n",
      "kwt_abc\n\(server)authorities \(Self.digest.uppercased())\n",
      "kwt_abc\n\(server)authorities \(Self.digest)\nmore\n",
      "kwt_abc\nauthorities \(Self.digest)\n",
    ]
    for text in texts { #expect(KeptToken(text) == nil, "\(text)") }
  }

  @Test
  func oneServerHasOneSpelling() throws {
    let same = [
      [
        "https://a.example", "https://A.Example:443", "https://a.example/",
        "https://a.example:443/",
      ],
      ["https://[::1]", "https://[::1]:443"], ["https://[::1]:8200", "https://[::1]:8200/"],
      ["unix:///run/k.sock"], ["unix:///run/K.sock"], ["unix:///@run/k.sock"],
      ["https://a.example:8443"], ["https://b.example"], ["https://a.example.b"],
    ]
    for (index, group) in same.enumerated() {
      for (other, second) in same.enumerated() {
        for (left, right) in zip(group, second) {
          #expect(
            try (origin(left) == origin(right)) == (index == other),
            "\(left) and \(right)"
          )
        }
      }
      #expect(Set(try group.map { try origin($0) }).count == 1, "\(group)")
    }
    #expect(try origin("https://a") != origin("https://a", Self.digest))
    // Nobody trusts an authority over a Unix socket.
    #expect(try origin("unix:///a") == origin("unix:///a", Self.digest))
  }
}
