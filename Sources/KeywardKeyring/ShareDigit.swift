/// The digits of share text, RFC 4648 base32 in lower case, without a branch or a table.
///
/// Share text is secret: a table would leak digits through the cache, as in CVE-2023-25000.
enum ShareDigit {
  /// The value 0 to 31 of a digit in either case, -1 for any other byte.
  static func value(of character: UInt8) -> Int16 {
    let c = Int16(character)
    var value: Int16 = -1
    // Each mask is -1 inside its range and 0 outside, from the signs of two differences.
    value &+= ((0x60 &- c) & (c &- 0x7b)) >> 8 & (c &- 0x61 &+ 1)
    value &+= ((0x40 &- c) & (c &- 0x5b)) >> 8 & (c &- 0x41 &+ 1)
    value &+= ((0x31 &- c) & (c &- 0x38)) >> 8 & (c &- 0x32 &+ 26 &+ 1)
    return value
  }

  /// The digit of a value 0 to 31.
  static func character(of value: Int16) -> UInt8 {
    UInt8(
      truncatingIfNeeded: value &+ 0x61 &- ((25 &- value) >> 8 & (0x61 &+ 26 &- 0x32))
    )
  }
}
