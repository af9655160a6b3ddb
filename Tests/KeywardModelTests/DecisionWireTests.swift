import Foundation
import KeywardModel
import Testing

/// The forms that `can-i` reads and writes itself, against those of the general coders.
@Suite
struct DecisionWireTests {
  static let texts = [
    "", "keys/etcd", "\"", "\\", "/", "\n\r\t\u{8}\u{c}", "\u{0}\u{1f}\u{7f}", "é", "e\u{301}",
    "\u{1F511}", "\u{2028}\u{FFFF}",
  ]

  @Test("A plain question is read as the general decoder reads it")
  func questions() throws {
    for text in Self.texts {
      for source in [nil, text] {
        let whole = DecisionRequest(operation: text, resource: "keys/\(text)", source: source)
        let bytes = Array(try JSONEncoder().encode(whole))
        #expect(DecisionRequest(plain: try StrictJSON.object(bytes)) == whole)
      }
    }
  }

  @Test(
    "Every other question is left to the general decoder",
    arguments: [
      #"{}"#, #"{"operation":"a"}"#, #"{"operation":"a","resource":1}"#,
      #"{"operation":"a","resource":"b","source":null}"#,
      #"{"operation":"a","resource":"b","other":"c"}"#,
      #"{"operation":"a","resource":"b","source":"c","other":"d"}"#,
      #"{"operation":"a","resource":"b","principal":{"issuer":"i","name":"n"}}"#,
    ]
  )
  func others(_ text: String) throws {
    #expect(DecisionRequest(plain: try StrictJSON.object(Array(text.utf8))) == nil)
  }

  @Test("A name twice is refused, however many there are", arguments: [2, 7, 8, 9, 10, 200])
  func doubledNames(_ count: Int) throws {
    let names = (0..<count).map { "\"n\($0)\":1" }
    #expect(try StrictJSON.object(Array("{\(names.joined(separator: ","))}".utf8)).count == count)
    for doubled in 0..<count {
      var broken = names
      broken[count - 1] = names[doubled == count - 1 ? 0 : doubled]
      let text = Array("{\(broken.joined(separator: ","))}".utf8)
      #expect(throws: StrictJSON.Failure.self) { try StrictJSON.object(text) }
    }
  }

  @Test("An answer is written so that the general decoder reads the same")
  func answers() throws {
    for text in Self.texts {
      for inherited in [nil, text] {
        let answer = DecisionAnswer(
          allowed: text.isEmpty,
          rule: text,
          approvals: [text, "two"],
          inheritedFrom: inherited,
          explanation: Self.texts
        )
        let bytes = answer.json.bytes
        #expect(try JSONDecoder().decode(DecisionAnswer.self, from: Data(bytes)) == answer)
        let names = try StrictJSON.object(bytes).names
        #expect(names == names.sorted())
      }
    }
  }
}
