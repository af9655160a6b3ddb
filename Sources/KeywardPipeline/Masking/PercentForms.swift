import KeywardCrypto

/// The ways in which URL encoders write a value: they differ in what they leave as it is.
enum PercentForms {
  struct Variant {
    /// Characters left as they are, besides letters and digits.
    let safe: String
    var plusForSpace = false
    var upperCase = true
  }

  static let variants: [Variant] = [
    // RFC 3986 §2.3, curl, Go's PathEscape in part, Python's quote with nothing safe.
    Variant(safe: "-._~"),
    // Python's quote.
    Variant(safe: "-._~/"),
    // encodeURIComponent.
    Variant(safe: "-._~!'()*"),
    // encodeURI, and what stands in a path or query by RFC 3986.
    Variant(safe: "-._~!'()*;/?:@&=+$,#"),
    // Go's PathEscape.
    Variant(safe: "-._~$&+=:@"),
    // HTML forms, Java's URLEncoder, Python's quote_plus.
    Variant(safe: "-._*", plusForSpace: true),
    Variant(safe: "-._~", plusForSpace: true),
    Variant(safe: "-._~", upperCase: false),
    Variant(safe: "-._*", plusForSpace: true, upperCase: false),
  ]

  static func write(
    _ value: UnsafeRawBufferPointer,
    _ variant: Variant,
    into text: inout SecretText
  ) throws(CryptoError) {
    let letters: UInt8 = variant.upperCase ? 0x37 : 0x57
    for byte in value {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: try text.append(byte: byte)
      case 0x20 where variant.plusForSpace: try text.append(byte: 0x2b)
      case _ where variant.safe.utf8.contains(byte): try text.append(byte: byte)
      default:
        try text.append(byte: 0x25)
        let (high, low) = (byte >> 4, byte & 15)
        try text.append(byte: high < 10 ? 0x30 + high : letters + high)
        try text.append(byte: low < 10 ? 0x30 + low : letters + low)
      }
    }
  }
}
