import KeywardModel
import Testing

@Suite
struct KeyNameTests {
  @Test(
    "Names that are names",
    arguments: [
      "a", "etcd", "etcd/prod-eu", "a.b/c_d/E-9", String(repeating: "x", count: 64),
      "1/2/3/4/5/6/7/8", "a..b",
    ]
  )
  func accepted(text: String) throws {
    #expect(try KeyName(text).description == text)
  }

  @Test(
    "Names that are not, with the byte at fault",
    arguments: [
      ("", 0), ("/a", 0), ("a/", 2), ("a//b", 2), (".", 0), ("..", 0), ("a/../b", 2), ("a/.b", 2),
      ("-a", 0), ("a b", 1), ("a\u{0}", 1), ("a\nb", 1), ("a:b", 1), ("ключ", 0), ("a%2Fb", 1),
      ("a\u{301}", 1), ("1/2/3/4/5/6/7/8/9", 17), (String(repeating: "x", count: 65), 64),
    ]
  )
  func refused(text: String, position: Int) {
    #expect {
      _ = try KeyName(text)
    } throws: { error in
      (error as? KeyName.Invalid)?.position == position
    }
  }

  @Test("200 bytes are the most")
  func longest() throws {
    let segment = String(repeating: "x", count: 49)
    let text = [segment, segment, segment, segment].joined(separator: "/") + "y"
    #expect(text.utf8.count == 200)
    #expect(try KeyName(text).description == text)
    #expect(throws: KeyName.Invalid.self) { try KeyName(text + "z") }
  }
}
