import KeywardCrypto
import KeywardKeyring
import KeywardModel
import Testing

@Suite
struct ShareTextTests {
  /// Made by Tests/Oracles/shamir.py; also in docs/formats/shares.md.
  private static let vector =
    "kwshare1-aeaqe-ayeau-daoca-baib2-xk5lv-ov2xk-5lvov-2xk5l-vov2x-k5lvo-v2xk5-lvov2-xk5lv-ov2xk"
    + "-7ucn4-6qkki"

  private static let digits = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

  private func randomShare() throws -> Share {
    let count = Int.random(in: 2...255)
    let set = try ShareSet.random(threshold: Int.random(in: 2...count), count: count)
    return try Share(
      set: set,
      index: Int.random(in: 1...count),
      payload: try Fixtures.box(Fixtures.random(32))
    )
  }

  @Test
  func theVectorReadsAndWrites() throws {
    let share = try Fixtures.parse(Self.vector)
    #expect(share.set.id.description == "0102030405060708")
    #expect(share.set.description == "2 of 3")
    #expect(share.index == 1)
    #expect(share.payload.bytes.revealed() == [UInt8](repeating: 0xab, count: 32))
    #expect(try Fixtures.text(share) == Self.vector)
    #expect(Self.vector.utf8.count == ShareText.length)
  }

  @Test
  func agreesWithTheOracle() throws {
    let oracle = Oracle(script: "shamir.py")
    var words: [String] = []
    var texts: [String] = []
    for _ in 0..<1000 {
      let share = try randomShare()
      words.append(
        "\(share.set.id) \(share.index) \(share.set.threshold) \(share.set.count) "
          + Hex.encode(share.payload.bytes.revealed())
      )
      texts.append(try Fixtures.text(share))
    }
    #expect(try oracle.run("parse", texts) == words)
    #expect(try oracle.run("emit", words) == texts)
  }

  @Test(arguments: [
    vector.uppercased(),
    "kwshare1-" + vector.dropFirst(9).replacing("-", with: ""),
    "KWshare1-" + vector.dropFirst(9).replacing("-", with: " "),
    "kwshare1-" + vector.dropFirst(9).replacing("-", with: " -- "),
    vector + "\n",
    "\t  " + vector + " \r\n",
    vector + String(repeating: "-", count: 152),
  ])
  func otherSpellingsAreRead(text: String) throws {
    #expect(try Fixtures.text(try Fixtures.parse(text)) == Self.vector)
  }

  private static func malformed(_ position: Int, _ reason: String) -> KeyringError {
    .malformedShare(position: position, reason: reason)
  }

  private static let noPrefix = "it does not start with kwshare1-"
  private static let badDigit = "only the letters a to z and the digits 2 to 7 occur"

  @Test(
    arguments: [
      ("", malformed(1, noPrefix)),
      ("   \n", malformed(1, noPrefix)),
      ("k", malformed(2, noPrefix)),
      ("hvs.CAESI", malformed(1, noPrefix)),
      ("kwshare", malformed(8, noPrefix)),
      ("kwsharex-aeaqe", malformed(8, noPrefix)),
      ("kwshare2-aeaqe", .unsupportedVersion("The share")),
      ("kwshare1", malformed(9, "a hyphen belongs after kwshare1")),
      ("kwshare1aeaqe", malformed(9, "a hyphen belongs after kwshare1")),
      ("kwshare1-", malformed(10, "it ends after 0 of 80 characters")),
      ("kwshare1-aeaqe", malformed(15, "it ends after 5 of 80 characters")),
      ("kwshare1-aeaqe-0yeau", malformed(16, badDigit)),
      ("kwshare1-aeaqe-1yeau", malformed(16, badDigit)),
      ("kwshare1-aeaqe-8yeau", malformed(16, badDigit)),
      ("kwshare1-aeaqe_ayeau", malformed(15, badDigit)),
      ("kwshare1-aeaqe\nayeau", malformed(15, badDigit)),
      ("kwshare1-aeaqe\u{0}", malformed(15, badDigit)),
      ("kwshare1-aeaqé", malformed(14, badDigit)),
      (vector + "-a", malformed(106, "more than 80 characters")),
      (vector.dropLast() + "", malformed(104, "it ends after 79 of 80 characters")),
      (vector + " " + vector, malformed(106, "more than 80 characters")),
      (String(repeating: " ", count: 257), malformed(257, "the text is too long")),
      (vector + String(repeating: "-", count: 153), malformed(257, "the text is too long")),
    ] as [(String, KeyringError)]
  )
  func everyMistakeIsNamedWithItsPlace(text: String, error: KeyringError) throws {
    #expect(throws: error) { _ = try Fixtures.parse(text) }
    #expect(error.words.count > 20 && !error.remedy.isEmpty)
  }

  /// Each of the 80 digits replaced by each of the 31 others, in three shares.
  @Test
  func everyTypingMistakeOfOneCharacterIsDetected() throws {
    for share in [try Fixtures.parse(Self.vector), try randomShare(), try randomShare()] {
      let text = Array(try Fixtures.text(share).utf8)
      var missed: [Int] = []
      for position in 9..<text.count where text[position] != UInt8(ascii: "-") {
        for digit in Self.digits where digit != text[position] {
          var typo = text
          typo[position] = digit
          do {
            _ = try Fixtures.parse(typo)
            missed.append(position)
          } catch {
            let known = error as? KeyringError
            if known != .shareChecksumMismatch, known != .unsupportedVersion("The share") {
              missed.append(position)
            }
          }
        }
      }
      #expect(missed.isEmpty)
    }
  }

  @Test
  func everyOtherByteInOnePlaceIsDetected() throws {
    let text = Array(Self.vector.utf8)
    for position in text.indices {
      for byte in UInt8.min...UInt8.max {
        var typo = text
        typo[position] = byte
        guard let share = try? Fixtures.parse(typo) else { continue }
        // What still reads must be another spelling of the same share.
        #expect(try Fixtures.text(share) == Self.vector, "byte \(byte) at \(position)")
      }
    }
  }

  @Test
  func exchangedMissingAndDoubledCharactersAreDetected() throws {
    let text = Array(Self.vector.utf8)
    for position in 9..<text.count - 1 {
      var swapped = text
      swapped.swapAt(position, position + 1)
      var dropped = text
      dropped.remove(at: position)
      var doubled = text
      doubled.insert(text[position], at: position)
      for typo in [swapped, dropped, doubled] {
        guard let share = try? Fixtures.parse(typo) else { continue }
        #expect(try Fixtures.text(share) == Self.vector, "at \(position)")
      }
    }
  }

  /// A text whose checksum fits can still not state a set that cannot be.
  @Test
  func impossibleParametersAreRefused() throws {
    let payload = [UInt8](repeating: 7, count: 32)
    let lines = ["0 2 3", "4 2 3", "1 0 3", "1 1 2", "1 4 3", "1 0 0", "255 2 254"].map {
      "0102030405060708 \($0) " + Hex.encode(payload)
    }
    for text in try Oracle(script: "shamir.py").run("emit", lines) {
      #expect(throws: KeyringError.shareChecksumMismatch) { _ = try Fixtures.parse(text) }
    }
  }

  @Test
  func sharesOutsideTheirSetCannotBeMade() throws {
    let set = try ShareSet.random(threshold: 2, count: 3)
    for index in [-1, 0, 4, 256] {
      #expect(throws: KeyringError.self) {
        _ = try Share(set: set, index: index, payload: try Fixtures.box(Fixtures.random(32)))
      }
    }
    for length in [0, 31, 33] {
      #expect(throws: KeyringError.self) {
        _ = try Share(set: set, index: 1, payload: try Fixtures.box(Fixtures.random(length)))
      }
    }
    #expect(throws: KeyringError.self) {
      _ = try set.split(try SecretBytes.fixture(Fixtures.random(16)))
    }
  }
}
