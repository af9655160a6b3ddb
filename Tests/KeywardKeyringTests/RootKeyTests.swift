import KeywardCrypto
import KeywardKeyring
import KeywardModel
import Testing

@Suite
struct RootKeyTests {
  @Test
  func everyPurposeHasItsOwnSubkey() throws {
    let root = try RootKey.generate()
    let subkeys = try RootKey.Purpose.allCases.map { try root.subkey($0).bytes.revealed() }
    #expect(Set(subkeys).count == 11)
    #expect(subkeys.allSatisfy { $0.count == 32 })
    #expect(Set(RootKey.Purpose.allCases.map { $0.label }).count == 11)
  }

  /// Known answer, by hand from RFC 5869 in Python: the labels must never change.
  @Test(arguments: [
    (RootKey.Purpose.anchorMAC, "04dc67625f3b6e81"),
    (.auditSigning, "e6a439350883847a"),
    (.backup, "a6f88dc867eeec77"),
    (.credentials, "dc4e6601f37cff14"),
    (.exportParameters, "bd2381a13ae2a5d7"),
    (.importKeys, "affc7e26c4791fe5"),
    (.rowMAC, "45d365956f704d36"),
    (.secretFingerprint, "11b56e6a9d6655b1"),
    (.setDigest, "b3927a08ae11a2dc"),
    (.stateMAC, "86a19e7519991fbb"),
    (.termWrapping, "a0a2313065661cb9"),
  ])
  func subkeysAreWhatTheyAlwaysWere(purpose: RootKey.Purpose, beginning: String) throws {
    let root = try RootKey(try SecretBytes.fixture([UInt8](0..<32)))
    let subkey = Hex.encode(try root.subkey(purpose).bytes.revealed())
    #expect(subkey.hasPrefix(beginning), "\(subkey)")
  }

  @Test
  func rootKeysAreThirtyTwoRandomBytes() throws {
    for length in [0, 16, 31, 33, 64] {
      #expect(throws: KeyringError.self) {
        _ = try RootKey(try SecretBytes.fixture(Fixtures.random(length)))
      }
    }
    let first = try RootKey.generate()
    let second = try RootKey.generate()
    #expect(!first.isSame(as: second))
    #expect(first.isSame(as: first))
  }
}
