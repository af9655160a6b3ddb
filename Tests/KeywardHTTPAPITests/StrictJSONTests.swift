import FoundationEssentials
import KeywardHTTPAPI
import KeywardModel
import Testing

@Suite("StrictJSON")
struct StrictJSONTests {
  @Test(
    "Well-formed objects are taken, and their fields named",
    arguments: [
      ("{}", []), (" {\n}\r\t ", []), ("{\"a\":1}", ["a"]),
      ("{\"a\":{\"b\":[]},\"c\":null}", ["a", "c"]),
      ("{\"\\u0061\":-0.5e+3}", ["a"]),
      ("{\"\\ud83d\\ude00\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", ["😀"]),
      ("{\"ä\":[true,false,{}]}", ["ä"]), ("{\"a\":[{\"b\":1},{\"b\":1}]}", ["a"]),
    ]
  )
  func accepted(_ text: String, _ names: [String]) throws {
    #expect(try StrictJSON.fields(of: Array(text.utf8)).map(\.name) == names)
  }

  @Test("Depth and number of values, at the limit and one over")
  func limits() throws {
    func nested(_ depth: Int) -> [UInt8] {
      let inner = depth - 1
      return Array(
        ("{\"a\":" + String(repeating: "[", count: inner) + String(repeating: "]", count: inner)
          + "}").utf8
      )
    }
    #expect(try StrictJSON.fields(of: nested(StrictJSON.maximumDepth)).count == 1)
    #expect(throws: StrictJSON.Failure.self) {
      try StrictJSON.fields(of: nested(StrictJSON.maximumDepth + 1))
    }
    func wide(_ values: Int) -> [UInt8] {
      // The object and the array count as well.
      Array(
        ("{\"a\":[" + Array(repeating: "0", count: values - 2).joined(separator: ",") + "]}").utf8
      )
    }
    #expect(try StrictJSON.fields(of: wide(StrictJSON.maximumValues)).count == 1)
    #expect(throws: StrictJSON.Failure.self) {
      try StrictJSON.fields(of: wide(StrictJSON.maximumValues + 1))
    }
  }

  @Test("The place of a failure is where it is")
  func offsets() {
    for (text, offset) in [("{\"a\":1,\"a\":2}", 7), ("{\"a\":tru}", 8), ("{} x", 3), ("[]", 0)] {
      #expect(throws: StrictJSON.Failure.self) { try StrictJSON.fields(of: Array(text.utf8)) }
      do {
        _ = try StrictJSON.fields(of: Array(text.utf8))
      } catch {
        #expect(error.offset == offset, "\(text)")
      }
    }
  }

  /// Any JSON value, to ask another reader's opinion.
  private struct Anything: Decodable {
    init(from decoder: any Decoder) throws {
      if let keyed = try? decoder.container(keyedBy: Name.self) {
        for key in keyed.allKeys { _ = try keyed.decode(Anything.self, forKey: key) }
      } else if var list = try? decoder.unkeyedContainer() {
        while !list.isAtEnd { _ = try list.decode(Anything.self) }
      } else {
        let single = try decoder.singleValueContainer()
        if single.decodeNil() { return }
        if (try? single.decode(Bool.self)) != nil { return }
        if (try? single.decode(Double.self)) != nil { return }
        _ = try single.decode(String.self)
      }
    }

    private struct Name: CodingKey {
      let stringValue: String
      var intValue: Int? { nil }

      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }
  }

  @Test(
    "Of 100,000 damaged texts none stops the process, and none is taken that Foundation refuses"
  )
  func mutations() {
    var random = SplitMix(state: 0x6b77)
    let seeds = [
      "{\"name\":\"etcd/prod\",\"type\":\"aes-256\",\"operations\":[\"encrypt\",\"decrypt\"]}",
      "{\"a\":{\"b\":[1,-2.5e3,null,true,\"\\u00e4\\ud83d\\ude00\"]},\"c\":\"ä\\n\"}",
    ].map { Array($0.utf8) }
    let alphabet =
      Array("{}[]\",:\\u0123456789abcdefDE+-. \n\u{0}\u{1f}".utf8) + [0x80, 0xc3, 0xff]
    var taken = 0
    for round in 0..<100_000 {
      var text = seeds[round % seeds.count]
      for _ in 0...random.below(4) {
        let place = random.below(text.count)
        switch random.below(4) {
        case 0: text[place] = alphabet[random.below(alphabet.count)]
        case 1: text.insert(alphabet[random.below(alphabet.count)], at: place)
        case 2: text.remove(at: place)
        default: text.replaceSubrange(place..., with: text[..<place])
        }
        if text.isEmpty { text = [0x7b] }
      }
      guard (try? StrictJSON.fields(of: text)) != nil else { continue }
      taken += 1
      let other = try? JSONDecoder().decode(Anything.self, from: Data(text))
      #expect(other != nil, "\(String(decoding: text, as: UTF8.self))")
    }
    #expect(taken > 1000)
  }

  @Test("Of 100,000 damaged targets none stops the process, and a taken path is its own spelling")
  func targets() {
    var random = SplitMix(state: 0x7461)
    let seed = Array(
      "/api/v1/keys/etcd/prod-eu:encrypt?version=3&context=AAEC&algorithm=a%20b".utf8
    )
    let alphabet = Array("/.:?&=%+-_aZ09é \u{0}#;\\".utf8)
    var taken = 0
    for _ in 0..<100_000 {
      var text = seed
      for _ in 0...random.below(3) {
        let place = random.below(text.count)
        switch random.below(3) {
        case 0: text[place] = alphabet[random.below(alphabet.count)]
        case 1: text.insert(alphabet[random.below(alphabet.count)], at: place)
        default: text.remove(at: place)
        }
      }
      let target = String(decoding: text, as: UTF8.self)
      guard let parsed = try? RequestTarget(target) else { continue }
      taken += 1
      #expect(target.utf8.starts(with: parsed.path.utf8))
      #expect(!parsed.path.contains("//") && !parsed.path.contains("%"))
      #expect(!parsed.path.split(separator: "/").contains { $0 == "." || $0 == ".." })
    }
    #expect(taken > 1000)
  }
}

/// Reproducible numbers (SplitMix64).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
}
