/// Checks or reads a JSON text (RFC 8259) in one pass and bounded memory.
///
/// Refused beyond the grammar: more than 32 levels, more than 4096 values, a name twice in one
/// object, invalid UTF-8, lone surrogates, control characters, bytes after the end. This is where
/// JSON bombs end (Vault CVE-2025-6203, OpenBao CVE-2025-59043).
package struct StrictJSON {
  package struct Failure: Error, Equatable, Sendable {
    /// Bytes from the start.
    package let offset: Int
    /// What follows "The JSON body", without any of its content.
    package let reason: String
  }

  /// A field of the outermost object.
  package struct Field: Equatable, Sendable {
    package let name: String
    package let offset: Int
  }

  package static let maximumDepth = 32
  package static let maximumValues = 4096

  /// The names of one object: few are compared one by one, which takes no hashing.
  private struct Names {
    private var few: [[UInt8]] = []
    private var many: Set<[UInt8]> = []

    /// False if the name is there already.
    mutating func insert(_ name: [UInt8]) -> Bool {
      if few.count < 8 {
        guard !few.contains(name) else { return false }
        few.append(name)
        return true
      }
      if many.isEmpty { many = Set(few) }
      return many.insert(name).inserted
    }
  }

  private let bytes: [UInt8]
  /// Whether values are kept; a check alone keeps nothing, since a body may hold secrets.
  private let isReading: Bool
  private var offset = 0
  private var depth = 0
  private var values = 0
  private var fields: [Field] = []

  /// The fields of the object that `bytes` must be.
  package static func fields(of bytes: [UInt8]) throws(Failure) -> [Field] {
    var scanner = StrictJSON(bytes, isReading: false)
    try scanner.scanDocument()
    return scanner.fields
  }

  /// The members of the object that `bytes` must be, read whole.
  package static func object(_ bytes: [UInt8]) throws(Failure) -> JSONObject {
    var scanner = StrictJSON(bytes, isReading: true)
    guard case .object(let object) = try scanner.scanDocument() else {
      throw Failure(offset: 0, reason: "is not an object")
    }
    return object
  }

  private init(_ bytes: [UInt8], isReading: Bool) {
    self.bytes = bytes
    self.isReading = isReading
  }

  @discardableResult
  private mutating func scanDocument() throws(Failure) -> JSONValue {
    skipSpace()
    guard peek == UInt8(ascii: "{") else { throw failure("is not an object") }
    let value = try scanValue()
    skipSpace()
    guard offset == bytes.count else { throw failure("goes on after its end") }
    return value
  }

  private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private func failure(_ reason: String) -> Failure { Failure(offset: offset, reason: reason) }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
      offset += 1
    }
  }

  /// Steps over a value, and gives it when reading.
  @discardableResult
  private mutating func scanValue() throws(Failure) -> JSONValue {
    values += 1
    guard values <= Self.maximumValues else {
      throw failure("has more than \(Self.maximumValues) values")
    }
    switch peek {
    case UInt8(ascii: "{"): return .object(try scanObject())
    case UInt8(ascii: "["): return .array(try scanArray())
    case UInt8(ascii: "\""):
      let text = try scanString()
      return isReading ? .string(String(decoding: text, as: UTF8.self)) : .null
    case UInt8(ascii: "t"):
      try scanWord("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try scanWord("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try scanWord("null")
      return .null
    case .none: throw failure("ends too early")
    default:
      let start = offset
      try scanNumber()
      return isReading ? .number(String(decoding: bytes[start..<offset], as: UTF8.self)) : .null
    }
  }

  private mutating func enter() throws(Failure) {
    depth += 1
    guard depth <= Self.maximumDepth else {
      throw failure("is nested more than \(Self.maximumDepth) levels deep")
    }
    offset += 1
    skipSpace()
  }

  private mutating func scanObject() throws(Failure) -> JSONObject {
    try enter()
    var object = JSONObject()
    var names = Names()
    var isFirst = true
    while peek != UInt8(ascii: "}") || !isFirst {
      let start = offset
      guard peek == UInt8(ascii: "\"") else { throw failure("has no field name where one is due") }
      let name = try scanString()
      guard names.insert(name) else {
        throw Failure(offset: start, reason: "has a field twice")
      }
      if depth == 1 {
        fields.append(Field(name: String(decoding: name, as: UTF8.self), offset: start))
      }
      skipSpace()
      guard peek == UInt8(ascii: ":") else { throw failure("has no ':' after a field name") }
      offset += 1
      skipSpace()
      let value = try scanValue()
      if isReading { object.members.append((name, value)) }
      isFirst = false
      guard try scanSeparator(or: UInt8(ascii: "}")) else { break }
    }
    leave()
    return object
  }

  private mutating func scanArray() throws(Failure) -> [JSONValue] {
    try enter()
    var elements: [JSONValue] = []
    var isFirst = true
    while peek != UInt8(ascii: "]") || !isFirst {
      let value = try scanValue()
      if isReading { elements.append(value) }
      isFirst = false
      guard try scanSeparator(or: UInt8(ascii: "]")) else { break }
    }
    leave()
    return elements
  }

  /// Steps over the closing bracket.
  private mutating func leave() {
    offset += 1
    depth -= 1
  }

  /// True after a comma, false before `end`.
  private mutating func scanSeparator(or end: UInt8) throws(Failure) -> Bool {
    skipSpace()
    if peek == end { return false }
    guard peek == UInt8(ascii: ",") else { throw failure("has no ',' where one is due") }
    offset += 1
    skipSpace()
    return true
  }

  /// Steps over a string and gives its bytes with escapes resolved.
  @discardableResult
  private mutating func scanString() throws(Failure) -> [UInt8] {
    let start = offset
    var text: [UInt8] = []
    offset += 1
    while let byte = peek {
      switch byte {
      case UInt8(ascii: "\""):
        offset += 1
        guard String(validating: text, as: UTF8.self) != nil else {
          throw Failure(offset: start, reason: "has text that is not UTF-8")
        }
        return text
      case UInt8(ascii: "\\"):
        try scanEscape(into: &text)
      case 0..<0x20:
        throw failure("has a control character in a text")
      default:
        text.append(byte)
        offset += 1
      }
    }
    throw failure("ends within a text")
  }

  private mutating func scanEscape(into text: inout [UInt8]) throws(Failure) {
    offset += 1
    guard let byte = peek else { throw failure("ends within a text") }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"): text.append(contentsOf: try scanUnicode())
    default: throw failure("has an unknown escape in a text")
    }
  }

  private mutating func scanUnicode() throws(Failure) -> [UInt8] {
    var code = try scanHex()
    if (0xd800..<0xdc00).contains(code) {
      guard peek == UInt8(ascii: "\\") else { throw failure("has a lone surrogate") }
      offset += 1
      guard peek == UInt8(ascii: "u") else { throw failure("has a lone surrogate") }
      offset += 1
      let low = try scanHex()
      guard (0xdc00..<0xe000).contains(low) else { throw failure("has a lone surrogate") }
      code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw failure("has a lone surrogate") }
    return Array(String(Character(scalar)).utf8)
  }

  private mutating func scanHex() throws(Failure) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      switch peek {
      case .some(let byte) where (48...57).contains(byte): code = code << 4 | UInt32(byte - 48)
      case .some(let byte) where (65...70).contains(byte): code = code << 4 | UInt32(byte - 55)
      case .some(let byte) where (97...102).contains(byte): code = code << 4 | UInt32(byte - 87)
      default: throw failure("has an unknown escape in a text")
      }
      offset += 1
    }
    return code
  }

  private mutating func scanWord(_ word: String) throws(Failure) {
    for byte in word.utf8 {
      guard peek == byte else { throw failure("has a word that is not JSON") }
      offset += 1
    }
  }

  private mutating func scanNumber() throws(Failure) {
    let start = offset
    if peek == UInt8(ascii: "-") { offset += 1 }
    if peek == UInt8(ascii: "0") { offset += 1 } else { try scanDigits() }
    if peek == UInt8(ascii: ".") {
      offset += 1
      try scanDigits()
    }
    if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
      offset += 1
      if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { offset += 1 }
      try scanDigits()
    }
    guard offset - start <= 40 else {
      throw Failure(offset: start, reason: "has a number of more than 40 digits")
    }
  }

  private mutating func scanDigits() throws(Failure) {
    let start = offset
    while let byte = peek, (48...57).contains(byte) { offset += 1 }
    guard offset > start else { throw failure("has something that is not JSON") }
  }
}
