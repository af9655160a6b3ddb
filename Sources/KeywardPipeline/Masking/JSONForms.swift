import KeywardCrypto

/// The ways in which JSON encoders write the inside of a string.
enum JSONForms {
  struct Variant {
    /// Everything but ASCII as UTF-16 escapes.
    var asciiOnly = false
    /// `<`, `>` and `&` escaped, as Go does.
    var escapesHTML = false
    /// `=` and `'` too, as Gson does.
    var escapesMore = false
    /// `\/`, as PHP does.
    var escapesSlash = false
    /// Backspace and form feed by their short escapes.
    var shortControls = true
    var upperCase = false
  }

  static let plain = Variant()
  static let variants: [Variant] = [
    plain,
    Variant(asciiOnly: true),
    Variant(asciiOnly: true, upperCase: true),
    Variant(upperCase: true),
    Variant(escapesHTML: true),
    Variant(escapesHTML: true, shortControls: false),
    Variant(escapesHTML: true, escapesMore: true),
    Variant(escapesSlash: true),
    Variant(asciiOnly: true, escapesSlash: true),
  ]

  /// Writes a value that is UTF-8.
  static func write(
    _ value: UnsafeRawBufferPointer,
    _ variant: Variant,
    into text: inout SecretText
  ) throws(CryptoError) {
    var scan = UTF8Scan(value)
    while true {
      let start = scan.offset
      guard case .scalar(let scalar) = scan.next() else { return }
      switch scalar {
      case 0x22: try text.append("\\\"")
      case 0x5c: try text.append("\\\\")
      case 0x0a: try text.append("\\n")
      case 0x0d: try text.append("\\r")
      case 0x09: try text.append("\\t")
      case 0x08 where variant.shortControls: try text.append("\\b")
      case 0x0c where variant.shortControls: try text.append("\\f")
      case 0x2f where variant.escapesSlash: try text.append("\\/")
      case 0x3c where variant.escapesHTML, 0x3e where variant.escapesHTML,
        0x26 where variant.escapesHTML, 0x3d where variant.escapesMore,
        0x27 where variant.escapesMore, 0..<0x20,
        0x2028 where variant.escapesHTML, 0x2029 where variant.escapesHTML,
        0x7f... where variant.asciiOnly:
        try escape(scalar, variant.upperCase, into: &text)
      default: try text.append(UnsafeRawBufferPointer(rebasing: value[start..<scan.offset]))
      }
    }
  }

  private static func escape(
    _ scalar: UInt32,
    _ upperCase: Bool,
    into text: inout SecretText
  ) throws(CryptoError) {
    var units = [UInt16(truncatingIfNeeded: scalar)]
    if scalar > 0xffff {
      let rest = scalar - 0x1_0000
      units = [UInt16(0xd800 + rest >> 10), UInt16(0xdc00 + rest & 0x3ff)]
    }
    let letters: UInt8 = upperCase ? 0x37 : 0x57
    for unit in units {
      try text.append("\\u")
      for shift in [12, 8, 4, 0] as [UInt16] {
        let four = UInt8(truncatingIfNeeded: unit >> shift) & 15
        try text.append(byte: four < 10 ? 0x30 + four : letters + four)
      }
    }
  }
}
