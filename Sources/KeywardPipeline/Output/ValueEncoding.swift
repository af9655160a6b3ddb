package import KeywardCrypto

/// Ways to write a value into a text of some language, byte by byte in the arena.
package enum ValueEncoding {
  /// Whether a value can be text at all: UTF-8.
  package static func isText(_ value: UnsafeRawBufferPointer) -> Bool {
    UTF8Scan.isValid(value)
  }

  /// The inside of a YAML double-quoted scalar on one line (YAML 1.2.2 §5.7), also valid in 1.1.
  ///
  /// Escaped is all that is not printable ASCII in some reader's view: control characters, NEL, the
  /// line and paragraph separators, byte order marks, surrogates' neighbours U+FFFE and U+FFFF.
  /// The value must be UTF-8.
  package static func yaml(
    _ value: UnsafeRawBufferPointer,
    into text: inout SecretText
  ) throws(CryptoError) {
    try scalars(of: value) { (scalar, raw) throws(CryptoError) in
      switch scalar {
      case 0x22: try text.append("\\\"")
      case 0x5c: try text.append("\\\\")
      case 0x0a: try text.append("\\n")
      case 0x0d: try text.append("\\r")
      case 0x09: try text.append("\\t")
      case 0x00: try text.append("\\0")
      case 0..<0x20, 0x7f..<0xa0: try text.append("\\x" + hex(scalar, 2))
      case 0x2028, 0x2029, 0xfeff, 0xfffe, 0xffff: try text.append("\\u" + hex(scalar, 4))
      default: try text.append(raw)
      }
    }
  }

  /// The inside of a JSON string (RFC 8259 §7); the value must be UTF-8.
  package static func json(
    _ value: UnsafeRawBufferPointer,
    into text: inout SecretText
  ) throws(CryptoError) {
    try scalars(of: value) { (scalar, raw) throws(CryptoError) in
      switch scalar {
      case 0x22: try text.append("\\\"")
      case 0x5c: try text.append("\\\\")
      case 0x0a: try text.append("\\n")
      case 0x0d: try text.append("\\r")
      case 0x09: try text.append("\\t")
      case 0..<0x20, 0x7f, 0x2028, 0x2029, 0xfeff: try text.append("\\u" + hex(scalar, 4))
      default: try text.append(raw)
      }
    }
  }

  /// The key or value of a Java properties file: ASCII, the rest as UTF-16 escapes.
  package static func properties(
    _ value: UnsafeRawBufferPointer,
    into text: inout SecretText
  ) throws(CryptoError) {
    var isFirst = true
    try scalars(of: value) { (scalar, raw) throws(CryptoError) in
      defer { isFirst = false }
      switch scalar {
      case 0x5c: try text.append("\\\\")
      case 0x0a: try text.append("\\n")
      case 0x0d: try text.append("\\r")
      case 0x09: try text.append("\\t")
      case 0x0c: try text.append("\\f")
      case 0x20 where isFirst: try text.append("\\ ")
      case 0x20...0x7e: try text.append(raw)
      case 0x1_0000...:
        let rest = scalar - 0x1_0000
        try text.append("\\u" + hex(0xd800 + rest >> 10, 4))
        try text.append("\\u" + hex(0xdc00 + rest & 0x3ff, 4))
      default: try text.append("\\u" + hex(scalar, 4))
      }
    }
  }

  /// A word of a POSIX shell in single quotes; any bytes but NUL.
  package static func shell(
    _ value: UnsafeRawBufferPointer,
    into text: inout SecretText
  ) throws(CryptoError) {
    try text.append(byte: 0x27)
    for byte in value {
      if byte == 0x27 {
        try text.append("'\\''")
      } else {
        try text.append(byte: byte)
      }
    }
    try text.append(byte: 0x27)
  }

  /// Percent-encoding of everything but the unreserved characters (RFC 3986 §2.3).
  package static func percent(
    _ value: UnsafeRawBufferPointer,
    into text: inout SecretText
  ) throws(CryptoError) {
    for byte in value {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e:
        try text.append(byte: byte)
      default:
        try text.append(byte: 0x25)
        try text.append(byte: upperDigit(byte >> 4))
        try text.append(byte: upperDigit(byte & 15))
      }
    }
  }

  /// Base64 with padding (RFC 4648 §4).
  package static func base64(
    _ value: UnsafeRawBufferPointer,
    into text: inout SecretText
  ) throws(CryptoError) {
    var index = 0
    while index < value.count {
      let left = value.count - index
      let word =
        UInt32(value[index]) << 16
        | (left > 1 ? UInt32(value[index + 1]) << 8 : 0)
        | (left > 2 ? UInt32(value[index + 2]) : 0)
      try text.append(byte: base64Digit(word >> 18))
      try text.append(byte: base64Digit(word >> 12))
      try text.append(byte: left > 1 ? base64Digit(word >> 6) : 0x3d)
      try text.append(byte: left > 2 ? base64Digit(word) : 0x3d)
      index += 3
    }
  }

  /// Calls `body` with each scalar and its bytes; what is not UTF-8 ends it, which callers rule out
  /// by `isText`.
  private static func scalars(
    of value: UnsafeRawBufferPointer,
    _ body: (UInt32, UnsafeRawBufferPointer) throws(CryptoError) -> Void
  ) throws(CryptoError) {
    var scan = UTF8Scan(value)
    while true {
      let start = scan.offset
      switch scan.next() {
      case .scalar(let scalar):
        try body(scalar, UnsafeRawBufferPointer(rebasing: value[start..<scan.offset]))
      case .invalid: throw .invalidInput("not UTF-8")
      case .end: return
      }
    }
  }

  private static func hex(_ value: UInt32, _ digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
  }

  private static func upperDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? 0x30 + value : 0x37 + value
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
