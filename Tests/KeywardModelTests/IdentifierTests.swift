import KeywardModel
import Testing

@Suite
struct IdentifierTests {
  @Test("A key_id is 30 characters and reads back")
  func keyID() throws {
    for byte in UInt8.min...UInt8.max {
      let id = try #require(KMSKeyID(random: [UInt8](repeating: byte, count: 16)))
      #expect(id.description.utf8.count == 30)
      #expect(KMSKeyID(id.description) == id)
    }
    #expect(KMSKeyID(random: []) == nil)
    #expect(KMSKeyID("kw1.AAAAAAAAAAAAAAAAAAAAAAAAAA") == nil)
    #expect(KMSKeyID("kw2.aaaaaaaaaaaaaaaaaaaaaaaaaa") == nil)
    #expect(KMSKeyID("") == nil)
  }

  @Test("Hexadecimal reads back, and odd or foreign digits are refused")
  func hex() {
    let bytes = [UInt8](0...255)
    #expect(Hex.decode(Hex.encode(bytes)) == bytes)
    #expect(Hex.decode("abc") == nil)
    #expect(Hex.decode("zz") == nil)
  }
}
