import KeywardSystem
import Testing

@Suite
struct UnixEndpointTests {
  @Test(arguments: [
    ("unix:///run/keyward/kms.sock", UnixEndpoint.path("/run/keyward/kms.sock")),
    ("unix:///@keyward", .abstract("keyward")),
    ("unix:///@a/b", .abstract("a/b")),
  ])
  func parsesTheFormOfAKubeAPIServer(text: String, expected: UnixEndpoint) throws {
    #expect(try UnixEndpoint(parsing: text) == expected)
    #expect(expected.description == text)
  }

  @Test(arguments: [
    "", "/run/kms.sock", "unix:", "unix://", "unix:///", "unix://run/kms.sock", "unix:///@",
    "unix:///run/", "tcp:///run/kms.sock", "UNIX:///run/kms.sock", "unix:///a\0b",
  ])
  func refusesOtherForms(text: String) {
    let error = #expect(throws: SystemError.self) { try UnixEndpoint(parsing: text) }
    #expect(error?.kind == .invalid)
  }

  @Test
  func namesHaveAtMost107Bytes() throws {
    _ = try UnixEndpoint(path: "/" + String(repeating: "a", count: 106))
    _ = try UnixEndpoint(abstract: String(repeating: "a", count: 107))
    #expect(throws: SystemError.self) {
      try UnixEndpoint(path: "/" + String(repeating: "a", count: 107))
    }
    #expect(throws: SystemError.self) {
      try UnixEndpoint(abstract: String(repeating: "a", count: 108))
    }
  }
}
