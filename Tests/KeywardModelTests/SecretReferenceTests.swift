import KeywardModel
import Testing

@Suite
struct SecretReferenceTests {
  @Test(arguments: [
    "kw://payments/db#password", "kw://p/d#P", "kw://a.b_c-1/0#tls.crt",
    "kw://payments/db?version=1#password", "kw://payments/db?version=2147483647#x",
  ])
  func roundTrips(text: String) throws {
    #expect(try SecretReference(text).description == text)
    #expect(try SecretReference(text, form: .fieldOrWhole).description == text)
    #expect(SecretReference.isMeant(by: text))
  }

  @Test(arguments: ["kw://payments/db", "kw://payments/db?version=3"])
  func wholeOnlyWhereAllowed(text: String) throws {
    #expect(try SecretReference(text, form: .fieldOrWhole).description == text)
    #expect(throws: SpellingError.self) { try SecretReference(text) }
  }

  /// Each with the character that is the first wrong one, counted from 0.
  @Test(arguments: [
    ("", 0), ("k", 1), ("kw:/payments/db#x", 4), ("KW://payments/db#x", 0), (" kw://a/b#c", 0),
    ("kw://", 5), ("kw:///b#c", 5), ("kw://.a/b#c", 5), ("kw://-a/b#c", 5), ("kw://A/b#c", 5),
    ("kw://a", 6), ("kw://a#c", 6), ("kw://a?version=1#c", 6), ("kw://a/", 7), ("kw://a//b#c", 7),
    ("kw://a/B#c", 7), ("kw://a/bC#c", 8), ("kw://a/b c#d", 8), ("kw://a/b/c#d", 8),
    ("kw://a/b", 8), ("kw://a/b#", 9), ("kw://a/b#c d", 10), ("kw://a/b#c#d", 10),
    ("kw://a/b#c/d", 10), ("kw://a/b#c?version=1", 10), ("kw://a/b?#c", 9),
    ("kw://a/b?ver=1#c", 12), ("kw://a/b?environment=prod#c", 9), ("kw://a/b?version=#c", 17),
    ("kw://a/b?version=0#c", 17), ("kw://a/b?version=01#c", 17), ("kw://a/b?version=-1#c", 17),
    ("kw://a/b?version=1x#c", 18), ("kw://a/b?version=2147483648#c", 26),
    ("kw://a/b?version=99999999999999999999#c", 26), ("kw://a/b?version=1", 18),
    ("kw://a/b?version=1&version=2#c", 18), ("kw://a/b%20#c", 8), ("kw://a/b#c\n", 10),
    ("kw://a/b#c\u{0}", 10), ("kw://a/ü#c", 7), ("kw://a/b#cü", 10), ("kw://user@a/b#c", 9),
    ("kw://a:80/b#c", 6),
  ])
  func pointsAtTheFirstWrongCharacter(text: String, position: Int) throws {
    let error = try #require(throws: SpellingError.self) { try SecretReference(text) }
    #expect(error.position == position, "\(error.sentence)")
    let lines = error.pointing(in: text).split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 2)
    #expect(lines.last?.prefix(while: { $0 == " " }).count == position)
  }

  @Test
  func boundsTheLengthOfNames() throws {
    let long = String(repeating: "a", count: 64)
    #expect(try SecretReference("kw://\(long)/\(long)#\(long)").field?.description == long)
    for text in ["kw://\(long)a/b#c", "kw://a/\(long)b#c", "kw://a/b#\(long)c"] {
      let error = try #require(throws: SpellingError.self) { try SecretReference(text) }
      #expect(error.expected.contains("at most 64"))
    }
  }

  /// A message about a reference is shown on terminals: nothing of it may move the cursor.
  @Test
  func showsNoControlCharacters() throws {
    let text = "kw://a/b#c\u{1b}[2J\u{7}"
    let error = try #require(throws: SpellingError.self) { try SecretReference(text) }
    #expect(error.pointing(in: text).utf8.allSatisfy { $0 == 10 || (32...126).contains($0) })
  }

  @Test
  func anyBytesAreRefusedOrRead() {
    var generator = SystemRandomNumberGenerator()
    let alphabet = Array("kw://payments/db?version=12#Password.\u{0}ü".unicodeScalars)
    for _ in 0..<20_000 {
      var text = ""
      for _ in 0..<Int.random(in: 0...40, using: &generator) {
        text.unicodeScalars.append(alphabet.randomElement(using: &generator) ?? "k")
      }
      guard let reference = try? SecretReference(text, form: .fieldOrWhole) else { continue }
      #expect(reference.description == text)
    }
  }
}
