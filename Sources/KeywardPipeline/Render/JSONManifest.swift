/// Reads JSON texts (RFC 8259), one after the other, into nodes that know their bytes.
struct JSONManifest {
  static let deepest = 200

  let file: String
  private(set) var documents: [ManifestNode] = []
  private let bytes: [UInt8]
  private var offset = 0
  private var line = 1
  private var lineStart = 0

  /// Whether a text is meant as JSON: it begins with a bracket, and is well-formed as JSON.
  ///
  /// A flow mapping of YAML begins alike, but is read as YAML when it is no JSON.
  static func read(_ bytes: [UInt8], file: String) -> JSONManifest? {
    guard let first = bytes.first(where: { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }),
      first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    else { return nil }
    return try? JSONManifest(bytes, file: file)
  }

  init(_ bytes: [UInt8], file: String) throws(PipelineError) {
    self.bytes = bytes
    self.file = file
    guard bytes.count <= YAMLManifest.longest, bytes.withUnsafeBytes({ UTF8Scan.isValid($0) })
    else { throw PipelineError(.input, "\(file) is not UTF-8, or too long.") }
    skipSpace()
    while offset < bytes.count {
      documents.append(try value(depth: 1))
      skipSpace()
    }
  }

  private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private func wrong(_ what: String) -> PipelineError {
    let place = PipelineError.Place(file: file, line: line, column: offset - lineStart + 1)
    return PipelineError(.input, at: place, "This is not JSON: \(what).")
  }

  private mutating func skipSpace() {
    while let byte = peek, [0x20, 0x09, 0x0a, 0x0d].contains(byte) {
      offset += 1
      if byte == 0x0a { (line, lineStart) = (line + 1, offset) }
    }
  }

  private func node(_ content: ManifestNode.Content, from start: (Int, Int, Int)) -> ManifestNode {
    ManifestNode(content, offset: start.0, line: start.1, column: start.2, end: offset)
  }

  private mutating func value(depth: Int) throws(PipelineError) -> ManifestNode {
    guard depth <= Self.deepest else { throw wrong("it is nested too deep") }
    let start = (offset, line, offset - lineStart + 1)
    switch peek {
    case UInt8(ascii: "{"):
      let members = try object(depth: depth)
      return node(.mapping(members), from: start)
    case UInt8(ascii: "["):
      let items = try array(depth: depth)
      return node(.sequence(items), from: start)
    case UInt8(ascii: "\""):
      let text = try string()
      return node(.scalar(text, .json), from: start)
    default:
      while let byte = peek,
        byte == 0x2b || byte == 0x2d || byte == 0x2e || ValueForm.isWord(byte)
      {
        offset += 1
      }
      let text = String(decoding: bytes[start.0..<offset], as: UTF8.self)
      guard ["true", "false", "null"].contains(text) || Self.isNumber(text) else {
        throw wrong("a value is missing")
      }
      return node(.scalar(text, .plain), from: start)
    }
  }

  private static func isNumber(_ text: String) -> Bool {
    var rest = text.utf8[...]
    func digits() -> Bool {
      let count = rest.prefix { (48...57).contains($0) }.count
      rest = rest.dropFirst(count)
      return count > 0
    }
    if rest.first == 0x2d { rest = rest.dropFirst() }
    if rest.first == 48 { rest = rest.dropFirst() } else if !digits() { return false }
    if rest.first == 0x2e {
      rest = rest.dropFirst()
      if !digits() { return false }
    }
    if let sign = rest.first, sign | 0x20 == 0x65 {
      rest = rest.dropFirst()
      if rest.first == 0x2b || rest.first == 0x2d { rest = rest.dropFirst() }
      if !digits() { return false }
    }
    return rest.isEmpty
  }

  private mutating func object(
    depth: Int
  ) throws(PipelineError) -> [(key: ManifestNode, value: ManifestNode)] {
    var members: [(key: ManifestNode, value: ManifestNode)] = []
    offset += 1
    skipSpace()
    while peek != UInt8(ascii: "}") || !members.isEmpty {
      guard peek == UInt8(ascii: "\"") else { throw wrong("a name is missing") }
      let key = try value(depth: depth + 1)
      skipSpace()
      guard peek == UInt8(ascii: ":") else { throw wrong("a ':' is missing") }
      offset += 1
      skipSpace()
      members.append((key, try value(depth: depth + 1)))
      guard try separator(or: UInt8(ascii: "}")) else { break }
    }
    offset += 1
    return members
  }

  private mutating func array(depth: Int) throws(PipelineError) -> [ManifestNode] {
    var items: [ManifestNode] = []
    offset += 1
    skipSpace()
    while peek != UInt8(ascii: "]") || !items.isEmpty {
      items.append(try value(depth: depth + 1))
      guard try separator(or: UInt8(ascii: "]")) else { break }
    }
    offset += 1
    return items
  }

  private mutating func separator(or end: UInt8) throws(PipelineError) -> Bool {
    skipSpace()
    if peek == end { return false }
    guard peek == UInt8(ascii: ",") else { throw wrong("a ',' is missing") }
    offset += 1
    skipSpace()
    return true
  }

  private mutating func string() throws(PipelineError) -> String {
    var text: [UInt8] = []
    offset += 1
    while let byte = peek {
      offset += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case 0..<0x20: throw wrong("a text has a control character")
      case UInt8(ascii: "\\"): text += try escape()
      default: text.append(byte)
      }
    }
    throw wrong("it ends within a text")
  }

  private mutating func escape() throws(PipelineError) -> [UInt8] {
    guard let byte = peek else { throw wrong("it ends within a text") }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [8]
    case UInt8(ascii: "f"): return [12]
    case UInt8(ascii: "n"): return [10]
    case UInt8(ascii: "r"): return [13]
    case UInt8(ascii: "t"): return [9]
    case UInt8(ascii: "u"):
      var code = try hex()
      if (0xd800..<0xdc00).contains(code), bytes[offset...].starts(with: "\\u".utf8) {
        offset += 2
        let low = try hex()
        guard (0xdc00..<0xe000).contains(low) else { throw wrong("a surrogate is alone") }
        code = 0x1_0000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw wrong("a surrogate is alone") }
      return Array(String(Character(scalar)).utf8)
    default: throw wrong("a text has an unknown escape")
    }
  }

  private mutating func hex() throws(PipelineError) -> UInt32 {
    let digits = bytes[offset...].prefix(4)
    guard digits.count == 4,
      digits.allSatisfy({ $0 < 0x80 && Character(UnicodeScalar($0)).isHexDigit }),
      let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw wrong("a text has an unknown escape") }
    offset += 4
    return code
  }
}
