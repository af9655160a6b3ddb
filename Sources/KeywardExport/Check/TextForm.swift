import KeywardModel

/// Bytes written as text: where bytes are due, a provider takes the letters for the key.
struct TextForm: Equatable {
  enum Alphabet: String {
    case hexadecimal
    case base64
    case base64url
  }

  let alphabet: Alphabet
  /// Where the first line end or blank stands, if there is one.
  let firstBlank: Int?

  /// Nil unless all of it is text of at least 16 letters.
  init?(_ bytes: UnsafeRawBufferPointer) {
    var blank: Int?
    var letters = 0
    var isHex = true
    var isStandard = false
    var isURL = false
    for (offset, byte) in bytes.enumerated() {
      switch byte {
      case 48...57, 65...70, 97...102: letters += 1
      case 71...90, 103...122:
        letters += 1
        isHex = false
      case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="):
        (isHex, isStandard) = (false, true)
        letters += 1
      case UInt8(ascii: "-"), UInt8(ascii: "_"):
        (isHex, isURL) = (false, true)
        letters += 1
      case 0x0a, 0x0d, 0x20, 0x09: blank = blank ?? offset
      default: return nil
      }
    }
    guard letters >= 16, !(isStandard && isURL) else { return nil }
    // Without padding, only base64url may have another length.
    let isUnpadded = !isStandard && letters % 4 != 0
    alphabet = isHex && letters % 2 == 0 ? .hexadecimal : isURL || isUnpadded ? .base64url : .base64
    firstBlank = blank
  }

  /// The bytes that the text stands for; nil if it is not well-formed.
  func decode(_ bytes: [UInt8]) -> [UInt8]? {
    let letters = bytes.filter { $0 > 0x20 }
    let text = String(decoding: letters, as: UTF8.self)
    switch alphabet {
    case .base64: return Base64.decode(text)
    case .base64url: return Base64.decodeURL(text)
    case .hexadecimal:
      return stride(from: 0, to: letters.count - 1, by: 2).compactMap { index in
        UInt8(String(decoding: letters[index...(index + 1)], as: UTF8.self), radix: 16)
      }
    }
  }
}
