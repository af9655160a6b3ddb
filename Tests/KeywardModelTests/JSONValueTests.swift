import KeywardModel
import Testing

/// What the strict reader gives; what it refuses is tested with the bodies of the API.
@Suite
struct JSONValueTests {
  private func object(_ text: String) throws -> JSONObject {
    try StrictJSON.object(Array(text.utf8))
  }

  @Test
  func everyKindOfValueIsGiven() throws {
    let object = try object(
      #" { "t" : "a\u00e9\ud83d\ude00\n" , "n":-12,"b":true,"f":false,"z":null,"l":[1,[],{}],"o":{"x":"y"}} "#
    )
    #expect(object.names == ["t", "n", "b", "f", "z", "l", "o"])
    #expect(object["t"]?.text == "a\u{e9}\u{1F600}\n")
    #expect(object["n"]?.integer == -12)
    #expect(object["n"]?.text == nil)
    guard case .bool(true) = object["b"], case .bool(false) = object["f"],
      case .null = object["z"], case .array(let list) = object["l"],
      case .object(let inner) = object["o"]
    else {
      Issue.record("a value of another kind")
      return
    }
    #expect(list.count == 3)
    #expect(list[0].integer == 1)
    #expect(inner["x"]?.text == "y")
    #expect(object["absent"] == nil)
  }

  @Test(
    arguments: [
      ("0", 0), ("-1", -1), ("9223372036854775807", .max), ("9223372036854775808", nil),
      ("-0", nil),
      ("1.0", nil), ("1e3", nil), ("\"1\"", nil), ("true", nil),
    ] as [(String, Int64?)]
  )
  func wholeNumbersAlone(_ text: String, _ wanted: Int64?) throws {
    #expect(try object("{\"n\":\(text)}")["n"]?.integer == wanted)
  }

  /// Names are bytes: the Kelvin sign is not K, and a doubled name is one whose bytes are doubled.
  @Test
  func namesAreBytes() throws {
    let object = try object("{\"\u{212A}\":1,\"K\":2,\"e\u{301}\":3,\"\u{e9}\":4}")
    #expect(object["K"]?.integer == 2)
    #expect(object["\u{212A}"]?.integer == 1)
    #expect(object["\u{e9}"]?.integer == 4)
    #expect(throws: StrictJSON.Failure.self) { try self.object("{\"a\":1,\"\\u0061\":2}") }
  }

  @Test(arguments: ["", "[]", "1", "\"a\"", "{}{}", "{", "{\"a\":}", "{\"a\":1,}", "\u{FEFF}{}"])
  func onlyWholeObjects(_ text: String) {
    #expect(throws: StrictJSON.Failure.self) { try object(text) }
  }
}
