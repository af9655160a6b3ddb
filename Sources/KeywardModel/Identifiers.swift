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

/// The `key_id` that a KMS v2 plugin reports for one key version: `kw1.` and 26 base32 characters.
///
/// Made from 16 random bytes when the version is made, unique in the store, never issued again:
/// not after a rotation back, a restore or a new key of the same name.
package struct KMSKeyID: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  /// Makes the text from 16 random bytes, else nil.
  package init?(random bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    description = "kw1." + Base32.encode(bytes)
  }

  /// Takes the text back, as the store or kube-apiserver gives it; nil if it has another shape.
  package init?(_ text: String) {
    guard text.utf8.count == 30, text.hasPrefix("kw1."),
      text.utf8.dropFirst(4).allSatisfy({ Base32.isDigit($0) })
    else { return nil }
    description = text
  }
}

/// The id of one export of one key version: `exp-` and 26 base32 characters of 16 random bytes.
package struct ExportID: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let description: String

  /// Makes the text from 16 random bytes, else nil.
  package init?(random bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    description = "exp-" + Base32.encode(bytes)
  }

  /// Takes the text back; nil if it has another shape.
  package init?(_ text: String) {
    guard text.utf8.count == 30, text.hasPrefix("exp-"),
      text.utf8.dropFirst(4).allSatisfy({ Base32.isDigit($0) })
    else { return nil }
    description = text
  }

  package static func < (left: ExportID, right: ExportID) -> Bool {
    left.description < right.description
  }
}

/// The id of a wrapping key that serves one import: `once:` and 26 base32 characters of 16 random bytes.
///
/// The colon is in no name of a key, so that neither can be taken for the other.
package struct WrappingKeyID: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let description: String

  /// Makes the text from 16 random bytes, else nil.
  package init?(random bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    description = "once:" + Base32.encode(bytes)
  }

  /// Takes the text back; nil if it has another shape.
  package init?(_ text: String) {
    guard text.utf8.count == 31, text.hasPrefix("once:"),
      text.utf8.dropFirst(5).allSatisfy({ Base32.isDigit($0) })
    else { return nil }
    description = text
  }

  package static func < (left: WrappingKeyID, right: WrappingKeyID) -> Bool {
    left.description < right.description
  }
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
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
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
