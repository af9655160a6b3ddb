package import KeywardCrypto

/// Ways to write a value into a text of some language, byte by byte in the arena.
package enum ValueEncoding {
  /// Whether a value can be text at all: UTF-8.
  package static func isText(_ value: UnsafeRawBufferPointer) -> Bool {
    UTF8Scan.isValid(value)
  }

  /// The inside of a YAML double-quoted scalar on one line (YAML 1.2.2 §5.7), also valid in 1.1.
  ///
  /// Escaped is all that is not printable in some reader's view: control characters, NEL, the line
  /// and paragraph separators, byte order marks, U+FFFE and U+FFFF. The value must be UTF-8.
  package static func yaml(
    _ value: UnsafeRawBufferPointer,
    into text: inout SecretText
  ) throws(CryptoError) {
    try escaping(value, into: &text) { scalar in
      switch scalar {
      case 0x22: "\\\""
      case 0x5c: "\\\\"
      case 0x0a: "\\n"
      case 0x0d: "\\r"
      case 0x09: "\\t"
      case 0x00: "\\0"
      case 0..<0x20, 0x7f..<0xa0: "\\x" + hex(scalar, 2)
      case 0x2028, 0x2029, 0xfeff, 0xfffe, 0xffff: "\\u" + hex(scalar, 4)
      default: nil
      }
    }
  }

  /// The inside of a JSON string (RFC 8259 §7); the value must be UTF-8.
  package static func json(
    _ value: UnsafeRawBufferPointer,
    into text: inout SecretText
  ) throws(CryptoError) {
    try escaping(value, into: &text) { scalar in
      switch scalar {
      case 0x22: "\\\""
      case 0x5c: "\\\\"
      case 0x0a: "\\n"
      case 0x0d: "\\r"
      case 0x09: "\\t"
      case 0..<0x20, 0x7f, 0x2028, 0x2029, 0xfeff: "\\u" + hex(scalar, 4)
      default: nil
      }
    }
  }

  /// The value of a Java properties file: ASCII, the rest as UTF-16 escapes.
  package static func properties(
    _ value: UnsafeRawBufferPointer,
    into text: inout SecretText
  ) throws(CryptoError) {
    // White space at the start would be skipped.
    if value.first == 0x20 { try text.append("\\") }
    try escaping(value, into: &text) { scalar in
      switch scalar {
      case 0x5c: "\\\\"
      case 0x0a: "\\n"
      case 0x0d: "\\r"
      case 0x09: "\\t"
      case 0x0c: "\\f"
      case 0x20...0x7e: nil
      case 0x1_0000...:
        "\\u" + hex(0xd800 + (scalar - 0x1_0000) >> 10, 4) + "\\u" + hex(0xdc00 + scalar & 0x3ff, 4)
      default: "\\u" + hex(scalar, 4)
      }
    }
  }

  /// A word of a POSIX shell in single quotes; any bytes but NUL.
  package static func shell(
    _ value: UnsafeRawBufferPointer,
    into text: inout SecretText
  ) throws(CryptoError) {
    try text.append(byte: 0x27)
    try escaping(bytesOf: value, into: &text) { $0 == 0x27 ? "'\\''" : nil }
    try text.append(byte: 0x27)
  }

  /// Percent-encoding of everything but the unreserved characters (RFC 3986 §2.3).
  package static func percent(
    _ value: UnsafeRawBufferPointer,
    into text: inout SecretText
  ) throws(CryptoError) {
    try escaping(bytesOf: value, into: &text) { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: nil
      default: "%" + hex(UInt32(byte), 2).uppercased()
      }
    }
  }

  /// Base64 with padding (RFC 4648 §4).
  package static func base64(
    _ value: UnsafeRawBufferPointer,
    into text: inout SecretText
  ) throws(CryptoError) {
    try text.append(count: (value.count + 2) / 3 * 4) { target in
      var index = 0
      var next = 0
      while index < value.count {
        let left = value.count - index
        let word =
          UInt32(value[index]) << 16
          | (left > 1 ? UInt32(value[index + 1]) << 8 : 0)
          | (left > 2 ? UInt32(value[index + 2]) : 0)
        target[next] = base64Digit(word >> 18)
        target[next + 1] = base64Digit(word >> 12)
        target[next + 2] = left > 1 ? base64Digit(word >> 6) : 0x3d
        target[next + 3] = left > 2 ? base64Digit(word) : 0x3d
        index += 3
        next += 4
      }
    }
  }

  /// Copies bytes, and in the place of some what `escape` gives for them.
  static func escaping(
    bytesOf value: UnsafeRawBufferPointer,
    into text: inout SecretText,
    _ escape: (UInt8) -> String?
  ) throws(CryptoError) {
    var start = 0
    for index in 0..<value.count {
      guard let escaped = escape(value[index]) else { continue }
      try text.append(UnsafeRawBufferPointer(rebasing: value[start..<index]))
      try text.append(escaped)
      start = index + 1
    }
    try text.append(UnsafeRawBufferPointer(rebasing: value[start...]))
  }

  /// Copies UTF-8, and in the place of some scalars what `escape` gives for them.
  ///
  /// What is not UTF-8 ends it, which callers rule out by `isText`.
  private static func escaping(
    _ value: UnsafeRawBufferPointer,
    into text: inout SecretText,
    _ escape: (UInt32) -> String?
  ) throws(CryptoError) {
    var scan = UTF8Scan(value)
    var start = 0
    while true {
      let before = scan.offset
      switch scan.next() {
      case .scalar(let scalar):
        guard let escaped = escape(scalar) else { continue }
        try text.append(UnsafeRawBufferPointer(rebasing: value[start..<before]))
        try text.append(escaped)
        start = scan.offset
      case .invalid: throw .invalidInput("not UTF-8")
      case .end:
        return try text.append(UnsafeRawBufferPointer(rebasing: value[start...]))
      }
    }
  }

  private static func hex(_ value: UInt32, _ digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
  }

  /// By comparisons and not by a table, which would leave traces of the secret in the cache.
  private static func base64Digit(_ word: UInt32) -> UInt8 {
    let value = UInt8(truncatingIfNeeded: word & 63)
    switch value {
    case 0..<26: return 0x41 + value
    case 26..<52: return 0x47 + value
    case 52..<62: return value &- 4
    case 62: return 0x2b
    default: return 0x2f
    }
  }
}
