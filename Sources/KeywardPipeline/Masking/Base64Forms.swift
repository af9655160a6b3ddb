import KeywardCrypto

/// What base64 makes of a value that stands anywhere in the encoded bytes.
///
/// A value begins at one of three places of a group of 3 bytes. The characters that carry bits of
/// its neighbours differ from text to text, so the form is what the value alone decides; and where
/// it ends the encoded bytes, its last character with the padding too.
enum Base64Forms {
  enum Alphabet {
    case standard
    case url
  }

  static func add(
    _ value: UnsafeRawBufferPointer,
    _ phase: Int,
    _ alphabet: Alphabet,
    to pool: inout PatternPool
  ) throws(CryptoError) {
    let first = (phase * 8 + 5) / 6
    let bits = (phase + value.count) * 8
    let end = bits / 6
    guard end - first >= PatternPool.minimum else { return }
    let hasTail = bits % 6 != 0
    let padding = hasTail ? (bits % 6 == 2 ? 2 : 1) : 0
    var form = try SecretBytes(count: end - first + (hasTail ? 1 + padding : 0))
    form.withUnsafeMutableBytes { form in
      for index in first..<end {
        form[index - first] = digit(value, bit: index * 6 - phase * 8, alphabet)
      }
      if hasTail {
        form[end - first] = digit(value, bit: end * 6 - phase * 8, alphabet)
        for index in 0..<padding { form[end - first + 1 + index] = 0x3d }
      }
    }
    try form.withUnsafeBytes { form throws(CryptoError) in
      try pool.add(UnsafeRawBufferPointer(rebasing: form[..<(end - first)]))
      guard hasTail else { return }
      // Of a long form its last piece alone: the others are those of what the value decides.
      let isLong = form.count > PatternPool.maximum
      let tail = isLong ? form.suffix(PatternPool.pieceCount) : form[...]
      try pool.add(UnsafeRawBufferPointer(rebasing: tail))
    }
  }

  /// The lines of an encoded value by itself, broken after 64 (PEM) and 76 characters (MIME).
  static func addWrapped(
    _ value: UnsafeRawBufferPointer,
    to pool: inout PatternPool
  ) throws(CryptoError) {
    guard value.count > 45 else { return }
    var text = try SecretText(capacity: value.count * 2)
    try ValueEncoding.base64(value, into: &text)
    try text.withUnsafeBytes { text throws(CryptoError) in
      for width in [64, 76] {
        try SecretForms.addLines(of: text, width: width, to: &pool)
      }
      // With a line end behind the value the last group is another: what is sure of the last line.
      let sure = value.count * 8 / 6
      for width in [64, 76] {
        let start = sure / width * width
        if sure - start >= SecretForms.minimumLine {
          try pool.add(UnsafeRawBufferPointer(rebasing: text[start..<sure]))
        }
      }
    }
  }

  /// The character of the 6 bits from `bit` on; bits past the end are zero.
  private static func digit(
    _ value: UnsafeRawBufferPointer,
    bit: Int,
    _ alphabet: Alphabet
  ) -> UInt8 {
    let index = bit >> 3
    let high = UInt16(value[index]) << 8
    let low = index + 1 < value.count ? UInt16(value[index + 1]) : 0
    let six = UInt8(truncatingIfNeeded: (high | low) >> UInt16(10 - bit & 7)) & 63
    switch six {
    case 0..<26: return 0x41 + six
    case 26..<52: return 0x47 + six
    case 52..<62: return six &- 4
    case 62: return alphabet == .standard ? 0x2b : 0x2d
    default: return alphabet == .standard ? 0x2f : 0x5f
    }
  }
}
