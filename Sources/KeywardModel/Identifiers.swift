/// The identity of a key for all time: 16 random bytes, never issued twice.
///
/// A name can be used again after its key was destroyed; an identity cannot.
package struct KeyID: Hashable, Sendable, CustomStringConvertible {
  package let bytes: [UInt8]

  /// Takes exactly 16 bytes, else nil.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    self.bytes = bytes
  }

  /// Lower-case hexadecimal.
  package var description: String { Hex.encode(bytes) }
}

/// The identity of a store: 16 random bytes made by `operator init`.
///
/// Part of all associated data, so that nothing of one store opens in another.
package struct StoreID: Hashable, Sendable, CustomStringConvertible {
  package let bytes: [UInt8]

  /// Takes exactly 16 bytes, else nil.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    self.bytes = bytes
  }

  package var description: String { Hex.encode(bytes) }
}

/// Lower-case hexadecimal of public bytes.
package enum Hex {
  package static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
      text.append(digit(byte >> 4))
      text.append(digit(byte & 15))
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The digit of a value below 16.
  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
  }

  /// The bytes of `text`, nil unless it is an even number of lower- or upper-case digits.
  package static func decode(_ text: String) -> [UInt8]? {
    guard text.utf8.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count / 2)
    var high: UInt8?
    for character in text.utf8 {
      let digit: UInt8
      switch character {
      case 48...57: digit = character - 48
      case 97...102: digit = character - 87
      case 65...70: digit = character - 55
      default: return nil
      }
      if let first = high {
        bytes.append(first << 4 | digit)
        high = nil
      } else {
        high = digit
      }
    }
    return bytes
  }
}

/// RFC 4648 base32 in lower case without padding, for identifiers.
package enum Base32 {
  private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

  package static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    var buffer = 0
    var bits = 0
    for byte in bytes {
      buffer = (buffer << 8 | Int(byte)) & 0xffff
      bits += 8
      while bits >= 5 {
        bits -= 5
        text.append(alphabet[buffer >> bits & 31])
      }
    }
    if bits > 0 { text.append(alphabet[buffer << (5 - bits) & 31]) }
    return String(decoding: text, as: UTF8.self)
  }

  /// Whether `character` is a digit of this alphabet.
  package static func isDigit(_ character: UInt8) -> Bool {
    (97...122).contains(character) || (50...55).contains(character)
  }
}
