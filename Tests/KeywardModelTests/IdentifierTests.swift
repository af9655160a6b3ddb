import KeywardModel
import Testing

@Suite
struct IdentifierTests {
  @Test("An id is its prefix and 26 characters, reads back, and has one spelling")
  func identifiers() throws {
    try check(ApprovalID.self, "apr-")
    try check(ExportID.self, "exp-")
    try check(KMSKeyID.self, "kw1.")
    try check(RoleID.self, "role-")
    try check(WrappingKeyID.self, "once:")
  }

  private func check<Kind>(_ type: Identifier<Kind>.Type, _ prefix: String) throws {
    for byte in UInt8.min...UInt8.max {
      let id = try #require(type.init(random: [UInt8](repeating: byte, count: 16)))
      #expect(id.description.utf8.count == prefix.utf8.count + 26)
      #expect(id.description.hasPrefix(prefix))
      #expect(type.init(id.description) == id)
    }
    #expect(type.init(random: []) == nil)
    #expect(type.init(random: [UInt8](repeating: 0, count: 17)) == nil)
    let digits = String(repeating: "a", count: 26)
    let short = String(digits.dropLast())
    #expect(type.init(prefix + digits)?.description == prefix + digits)
    let foreign = [
      "", prefix, digits, prefix + short, prefix + digits + "a", prefix + digits.uppercased(),
      prefix.uppercased() + digits, prefix + short + "1", prefix + short + "\u{e9}",
      " " + prefix + short, "kw2." + digits,
    ]
    for text in foreign { #expect(type.init(text) == nil, "\(text)") }
    let others = ["apr-", "exp-", "kw1.", "role-", "once:", "acc-", "sid-"]
    for other in others where other != prefix { #expect(type.init(other + digits) == nil) }
  }

  @Test("Ids of random bytes sort by their text")
  func order() throws {
    let low = try #require(ExportID("exp-" + String(repeating: "a", count: 26)))
    let high = try #require(ExportID("exp-" + String(repeating: "a", count: 25) + "b"))
    #expect(low < high && !(high < low) && !(low < low))
  }

  @Test("Hexadecimal reads back, and odd or foreign digits are refused")
  func hex() {
    let bytes = [UInt8](0...255)
    #expect(Hex.decode(Hex.encode(bytes)) == bytes)
    #expect(Hex.decode("abc") == nil)
    #expect(Hex.decode("zz") == nil)
  }
}
