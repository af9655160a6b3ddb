import Foundation
import KeywardCrypto
import KeywardPipeline
import Testing

@Suite("Masking")
struct MaskStreamTests {
  /// What comes out of a stream for pieces; nil stands for the deadline.
  private func masked(
    _ matcher: MaskMatcher,
    _ pieces: [[UInt8]?],
    finishes: Bool = true
  ) throws -> [UInt8] {
    var stream = try MaskStream(matcher)
    var output: [UInt8] = []
    for piece in pieces {
      if let piece {
        var rest = piece[...]
        repeat {
          let count = stream.fill { buffer in
            let part = rest.prefix(buffer.count)
            buffer.copyBytes(from: part)
            return part.count
          }
          rest = rest.dropFirst(max(count, 0))
          stream.drain { output += $0 }
        } while !rest.isEmpty
      } else {
        stream.expire()
        stream.drain { output += $0 }
      }
    }
    if finishes {
      stream.finish()
      stream.drain { output += $0 }
    }
    return output
  }

  private func masked(
    _ secrets: [String],
    _ pieces: [String?],
    finishes: Bool = true
  ) throws
    -> String
  {
    let matcher = try MaskMatcher(try secrets.map { try box(Array($0.utf8)) })
    let output = try masked(matcher, pieces.map { $0.map { Array($0.utf8) } }, finishes: finishes)
    return String(decoding: output, as: UTF8.self)
  }

  @Test(
    "forms",
    arguments: [
      ("p4ssw0rd!", "a p4ssw0rd! b", "a *** b"),
      ("p4ssw0rd!", "p4ssw0rd!p4ssw0rd!", "***"),
      ("p4ssw0rd!", "p4ssw0rd! p4ssw0rd!", "*** ***"),
      ("p4ssw0rd!", "p4ssw0rd", "***"),
      ("p4ssw0rd!", "p4ss", "p4ss"),
      ("p4ssw0rd!", "p4ssw0rd\n", "p4ssw0rd\n"),
      ("p4ssw0rd!", "x7034737377307264217", "x***7"),
      ("p4ssw0rd!", "cDRzc3cwcmQh", "***"),
      ("a b/c?d&é", "q=a%20b%2Fc%3Fd%26%C3%A9&", "q=***&"),
      ("a b/c?d&é", "q=a+b%2Fc%3Fd%26%C3%A9&", "q=***&"),
      ("a\"b\\c\nd", #"{"k":"a\"b\\c\nd"}"#, #"{"k":"***"}"#),
      ("one line 1\nother line\n}\n", "x\n  one line 1\n}\nother line", "x\n  ***\n}\n***"),
      ("  trimmed\n", "<trimmed>", "<***>"),
      ("aaaaaa", "baaaaaaaaab", "b***b"),
      ("***stars", "a***stars b", "a[masked] b"),
      (
        "-----BEGIN X-----\nMIIEpAIB\n-----", "-----BEGIN X-----\nMIIEpAIB.",
        "-----BEGIN X-----\n***."
      ),
    ]
  )
  func forms(_ secret: String, _ text: String, _ expected: String) throws {
    #expect(try masked([secret], [text]) == expected)
    #expect(try masked([secret], text.map { String($0) }) == expected)
  }

  @Test("overlapping and nested secrets are one run")
  func overlaps() throws {
    #expect(try masked(["secret", "secret123"], ["a secret12 secret123 b"]) == "a ***12 *** b")
    #expect(try masked(["abcdefgh", "efghijkl"], ["-abcdefghijkl-"]) == "-***-")
    #expect(try masked(["abcdefgh", "efghijkl"], ["-abcdefg", "hij", "kl-"]) == "-***-")
  }

  @Test("at the deadline a short beginning goes, and the rest is masked when it comes")
  func deadline() throws {
    // Nothing of a secret has to wait.
    #expect(try masked(["p4ssw0rd!"], ["login: ", nil], finishes: false) == "login: ")
    // Three bytes that may be one are let go; four are not.
    #expect(try masked(["p4ssw0rd!"], ["a p4s", nil], finishes: false) == "a p4s")
    #expect(try masked(["p4ssw0rd!"], ["a p4ss", nil], finishes: false) == "a ")
    #expect(try masked(["p4ssw0rd!"], ["a p4s", nil, "sw0rd! b"]) == "a p4s*** b")
    #expect(try masked(["p4ssw0rd!"], ["a p4ss", nil, nil, "w0rd! b"]) == "a *** b")
    // What was let go and was none leaves no trace.
    #expect(try masked(["p4ssw0rd!"], ["a p4s", nil, "x p4ssw0rd!"]) == "a p4sx ***")
    // A shorter secret that is there whole is masked, not shown, while a longer one is possible.
    #expect(
      try masked(["secret", "secret123"], ["secret", nil], finishes: false) == "***"
    )
    #expect(try masked(["secret", "secret123"], ["secret", nil, "123."]) == "***.")
  }

  @Test("values that are too short are said to be")
  func tooShort() throws {
    #expect(MaskMatcher.isTooShort(try SecretBytes.fixture(Array("12345".utf8))))
    #expect(MaskMatcher.isTooShort(try SecretBytes.fixture(Array("  12345 \n".utf8))))
    #expect(!MaskMatcher.isTooShort(try SecretBytes.fixture(Array("123456".utf8))))
    #expect(try MaskMatcher([]).isEmpty)
  }

  @Test("against Python's encoders: no form comes out, and every other byte does, in order")
  func oracle() throws {
    let isLong = ProcessInfo.processInfo.environment["KEYWARD_LONG"] == "1"
    let seed = Int.random(in: 0..<1_000_000)
    let cases = try MaskingCases(seed: seed, count: isLong ? 100_000 : 500)
    var count = 0
    while let group = try cases.next() {
      let matcher = try MaskMatcher(try group.secrets.map { try box(unhex($0)) })
      let forms = group.forms.map(unhex)
      for one in group.cases {
        count += 1
        let pieces = one.pieces.map(unhex)
        let clear = one.clear.map(unhex)
        let place = Comment(rawValue: "seed \(seed), case \(count), secrets \(group.secrets)")
        let output = try masked(matcher, pieces)
        let expected = clear.dropFirst().reduce(clear[0]) { $0 + matcher.token + $1 }
        try #require(output == expected, place)
        try #require(!forms.contains { Self.contains(output, $0) }, place)
        // With deadlines between the pieces, at most three bytes before each mask.
        let hasty = try masked(matcher, pieces.flatMap { [$0, Bool.random() ? nil : []] })
        try #require(
          Self.fits(hasty[...], clear[...], one.masked.map(unhex)[...], matcher.token),
          place
        )
        try #require(!forms.contains { Self.contains(hasty, $0) }, place)
      }
    }
    #expect(count == (isLong ? 100_000 : 500))
  }

  /// Whether an output is the clear runs with a token between, and at most three bytes of the masked
  /// run before a token.
  private static func fits(
    _ output: ArraySlice<UInt8>,
    _ clear: ArraySlice<[UInt8]>,
    _ masked: ArraySlice<[UInt8]>,
    _ token: [UInt8]
  ) -> Bool {
    guard let first = clear.first, output.starts(with: first) else { return false }
    let rest = output.dropFirst(first.count)
    guard let run = masked.first else { return rest.isEmpty }
    for shown in 0..<MaskStream.shortestKept where shown <= run.count {
      let head = run.prefix(shown) + token
      if rest.starts(with: head),
        fits(rest.dropFirst(head.count), clear.dropFirst(), masked.dropFirst(), token)
      {
        return true
      }
    }
    return false
  }

  private static func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
    Data(bytes).range(of: Data(part)) != nil
  }
}
