/// RFC 4648 base64 of public bytes: §4 with padding, §5 (URL) without.
///
/// Decoding takes exactly one spelling of each value: no white space, no line breaks, no stray
/// bits after the last byte.
package enum Base64 {
  private static let standard = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
  )
  private static let url = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8
  )

  package static func encode(_ bytes: [UInt8]) -> String {
    var text = digits(bytes, standard)
    while !text.count.isMultiple(of: 4) { text.append(UInt8(ascii: "=")) }
    return String(decoding: text, as: UTF8.self)
  }

  package static func encodeURL(_ bytes: [UInt8]) -> String {
    String(decoding: digits(bytes, url), as: UTF8.self)
  }

  /// The bytes of padded standard base64, else nil.
  package static func decode(_ text: String) -> [UInt8]? {
    var digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 4) else { return nil }
    var padding = 0
    while padding < 2, digits.last == UInt8(ascii: "=") {
      digits.removeLast()
      padding += 1
    }
    return bytes(digits, plus: UInt8(ascii: "+"), slash: UInt8(ascii: "/"))
  }

  /// The bytes of unpadded base64url, else nil.
  package static func decodeURL(_ text: some StringProtocol) -> [UInt8]? {
    bytes(text.utf8, plus: UInt8(ascii: "-"), slash: UInt8(ascii: "_"))
  }

  private static func digits(_ bytes: [UInt8], _ alphabet: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    var buffer = 0
    var bits = 0
    for byte in bytes {
      buffer = (buffer << 8 | Int(byte)) & 0xffff
      bits += 8
      while bits >= 6 {
        bits -= 6
        text.append(alphabet[buffer >> bits & 63])
      }
    }
    if bits > 0 { text.append(alphabet[buffer << (6 - bits) & 63]) }
    return text
  }

  private static func bytes(
    _ digits: some Collection<UInt8>,
    plus: UInt8,
    slash: UInt8
  ) -> [UInt8]? {
    guard digits.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 4 * 3 + 2)
    var buffer = 0
    var bits = 0
    for digit in digits {
      let value: Int
      switch digit {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = Int(digit) - 65
      case UInt8(ascii: "a")...UInt8(ascii: "z"): value = Int(digit) - 71
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = Int(digit) + 4
      case plus: value = 62
      case slash: value = 63
      default: return nil
      }
      buffer = (buffer << 6 | value) & 0xffff
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(buffer >> bits & 255))
      }
    }
    guard buffer & ((1 << bits) - 1) == 0 else { return nil }
    return bytes
  }
}
