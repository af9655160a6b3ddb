import KeywardModel
import Testing

@Suite
struct KeyOperationsTests {
  @Test("The stored text reads back for every set")
  func roundTrip() {
    for raw in UInt16(0)..<4096 {
      let set = KeyOperations(rawValue: raw)
      #expect(KeyOperations(text: set.text) == set)
    }
  }

  @Test(
    "Only one spelling is read",
    arguments: ["decrypt,encrypt", "encrypt,encrypt", "encrypt,", ",", "Encrypt", "x", " encrypt"]
  )
  func refused(text: String) {
    #expect(KeyOperations(text: text) == nil)
  }

  @Test("No type exports unless asked to, and defaults are possible", arguments: KeyType.allCases)
  func defaults(type: KeyType) {
    #expect(type.defaultOperations.isSubset(of: type.possibleOperations))
    #expect(!type.defaultOperations.contains(.export))
    #expect(!type.defaultOperations.contains(.cloudExport))
  }
}
