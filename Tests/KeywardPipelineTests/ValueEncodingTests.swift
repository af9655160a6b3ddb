import KeywardCrypto
import KeywardPipeline
import Testing

@Suite
struct ValueEncodingTests {
  private func encoded(
    _ value: [UInt8],
    _ encode: (UnsafeRawBufferPointer, inout SecretText) throws(CryptoError) -> Void
  ) throws -> String {
    var text = try SecretText(capacity: 1)
    let result = value.withUnsafeBytes { bytes in
      Result { () throws(CryptoError) in try encode(bytes, &text) }
    }
    try result.get()
    return String(decoding: try text.finish().revealed(), as: UTF8.self)
  }

  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
  ])
  func base64IsThatOfRFC4648(_ value: String, _ expected: String) throws {
    #expect(try encoded(Array(value.utf8), ValueEncoding.base64) == expected)
  }

  @Test
  func base64HasEveryDigit() throws {
    let bytes = (0..<64).reduce(into: [UInt8]()) { bytes, digit in
      // Each digit, four times in a row, makes three bytes.
      let word = digit << 18 | digit << 12 | digit << 6 | digit
      bytes += [UInt8(word >> 16), UInt8(word >> 8 & 255), UInt8(word & 255)]
    }
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    #expect(
      try encoded(bytes, ValueEncoding.base64)
        == alphabet.map { String(repeating: $0, count: 4) }.joined()
    )
  }

  @Test(arguments: [
    ("it's", "'it'\\''s'"), ("", "''"), ("$(rm -rf /)", "'$(rm -rf /)'"), ("a\nb", "'a\nb'"),
  ])
  func shellWordsAreQuoted(_ value: String, _ expected: String) throws {
    #expect(try encoded(Array(value.utf8), ValueEncoding.shell) == expected)
  }

  @Test(
    arguments: [
      [0x80], [0xc0, 0x80], [0xc1, 0xbf], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82], [0x61, 0xff],
    ] as [[UInt8]]
  )
  func whatIsNotUTF8IsNoText(_ bytes: [UInt8]) {
    #expect(!bytes.withUnsafeBytes { ValueEncoding.isText($0) })
  }

  @Test
  func everyScalarIsText() {
    for value in UInt32(0)...0x10_ffff {
      guard let scalar = Unicode.Scalar(value) else { continue }
      var isWhole = false
      Array(String(scalar).utf8).withUnsafeBytes { bytes in
        var scan = UTF8Scan(bytes)
        isWhole = scan.next() == .scalar(value) && scan.next() == .end
      }
      if !isWhole { Issue.record("U+\(String(value, radix: 16))") }
    }
  }
}
