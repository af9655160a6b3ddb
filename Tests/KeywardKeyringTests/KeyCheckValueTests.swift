import KeywardCrypto
import KeywardKeyring
import Testing

@Suite
struct KeyCheckValueTests {
  /// Computed by Python: HMAC-SHA-256 of the label under bytes 0 to 31, and SHA-256 of "spki".
  @Test
  func knownAnswers() throws {
    let key = try SecretBytes.fixture([UInt8](0..<32))
    #expect(try KeyCheckValue.secret(key).description == "b0bbae5d4a8c8d99")
    #expect(try KeyCheckValue.publicKey(spki: Array("spki".utf8)).description == "6feecc8c16c5551d")
  }

  @Test(arguments: [(3, 3), (5, 5), (8, 8), (0, 3), (-1, 3), (99, 8)])
  func theLengthIsHeldBetweenThreeAndEight(asked: Int, given: Int) throws {
    let key = try SecretBytes.fixture([1])
    #expect(try KeyCheckValue.secret(key, length: asked).bytes.count == given)
    #expect(try KeyCheckValue.publicKey(spki: [1], length: asked).bytes.count == given)
  }
}
