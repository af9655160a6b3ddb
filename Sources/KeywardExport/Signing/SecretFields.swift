package import KeywardCrypto

/// Takes text fields out of a JSON object that lies in the arena.
///
/// For the files and answers of providers that hold a private key or a token: their other fields are
/// stepped over, and nothing is copied outside the arena.
package enum SecretFields {
  /// Why a text was not read; it says nothing about the content.
  package struct Failure: Error, Equatable, Sendable {
    package let reason: String
  }

  /// The fields of the outermost object that are texts and bear one of `names`.
  ///
  /// A name twice, more than 32 levels and what is not JSON are refused; escapes beyond ASCII too.
  package static func read(
    _ names: Set<String>,
    in text: borrowing SecretBytes
  ) throws(Failure) -> [String: SecretBox] {
    try text.withUnsafeBytes { (bytes) throws(Failure) in
      var scanner = Scanner(bytes)
      return try scanner.document(names)
    }
  }

  /// What `readAll` took out of an object.
  package struct Members: Sendable {
    package let texts: [String: SecretBox]
    package let lists: [String: [SecretBox]]
  }

  /// The fields of the outermost object that bear one of the names, each of which must be a text or a
  /// list of texts, as the name says.
  ///
  /// Any name twice is refused, and an escape in a name, by which one could be hidden.
  package static func readAll(
    texts: Set<String>,
    lists: Set<String>,
    in text: borrowing SecretBytes
  ) throws(Failure) -> Members {
    try text.withUnsafeBytes { (bytes) throws(Failure) in
      var scanner = Scanner(bytes)
      return try scanner.strictDocument(texts, lists)
    }
  }

  private struct Scanner {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    mutating func document(_ names: Set<String>) throws(Failure) -> [String: SecretBox] {
      var found: [String: SecretBox] = [:]
      try members { (name, scanner) throws(Failure) in
        if scanner.peek == UInt8(ascii: "\""),
          let wanted = names.first(where: { name.equals($0) })
        {
          guard found[wanted] == nil else { throw Failure(reason: "has a field twice") }
          found[wanted] = SecretBox(try scanner.unescaped(scanner.string()))
        } else {
          try scanner.skipValue(depth: 1)
        }
      }
      return found
    }

    mutating func strictDocument(
      _ textNames: Set<String>,
      _ listNames: Set<String>
    ) throws(Failure) -> Members {
      var texts: [String: SecretBox] = [:]
      var lists: [String: [SecretBox]] = [:]
      var seen: [Quoted] = []
      try members { (name, scanner) throws(Failure) in
        guard !name.bytes.contains(UInt8(ascii: "\\")) else {
          throw Failure(reason: "has an escape in the name of a field")
        }
        guard !seen.contains(where: { $0.bytes.elementsEqual(name.bytes) }) else {
          throw Failure(reason: "has a field twice")
        }
        seen.append(name)
        if let wanted = textNames.first(where: { name.equals($0) }) {
          guard scanner.peek == UInt8(ascii: "\"") else {
            throw Failure(reason: "has a '\(wanted)' that is no text")
          }
          texts[wanted] = SecretBox(try scanner.unescaped(scanner.string()))
        } else if let wanted = listNames.first(where: { name.equals($0) }) {
          guard scanner.peek == UInt8(ascii: "[") else {
            throw Failure(reason: "has a '\(wanted)' that is no list")
          }
          lists[wanted] = try scanner.list()
        } else {
          try scanner.skipValue(depth: 1)
        }
      }
      return Members(texts: texts, lists: lists)
    }

    /// The members of the outermost object; `visit` steps over the value of each.
    private mutating func members(
      _ visit: (Quoted, inout Scanner) throws(Failure) -> Void
    ) throws(Failure) {
      try expect(UInt8(ascii: "{"))
      skipSpace()
      if peek == UInt8(ascii: "}") {
        offset += 1
      } else {
        repeat {
          skipSpace()
          let name = try string()
          try expect(UInt8(ascii: ":"))
          skipSpace()
          try visit(name, &self)
        } while takesComma()
        try expect(UInt8(ascii: "}"))
      }
      skipSpace()
      guard offset == bytes.count else { throw Failure(reason: "goes on after its end") }
    }

    private mutating func list() throws(Failure) -> [SecretBox] {
      var items: [SecretBox] = []
      try expect(UInt8(ascii: "["))
      skipSpace()
      if peek == UInt8(ascii: "]") {
        offset += 1
        return items
      }
      repeat {
        skipSpace()
        items.append(SecretBox(try unescaped(string())))
      } while takesComma()
      try expect(UInt8(ascii: "]"))
      return items
    }

    private mutating func takesComma() -> Bool {
      skipSpace()
      guard peek == UInt8(ascii: ",") else { return false }
      offset += 1
      return true
    }

    /// The bytes between two quotes, escapes and all.
    private struct Quoted {
      let bytes: Slice<UnsafeRawBufferPointer>

      func equals(_ text: String) -> Bool { bytes.elementsEqual(text.utf8) }
    }

    private mutating func string() throws(Failure) -> Quoted {
      try expect(UInt8(ascii: "\""))
      let start = offset
      while let byte = peek {
        switch byte {
        case UInt8(ascii: "\""):
          offset += 1
          return Quoted(bytes: bytes[start..<(offset - 1)])
        case UInt8(ascii: "\\"): offset += 2
        case 0..<0x20: throw Failure(reason: "has a control character in a text")
        default: offset += 1
        }
      }
      throw Failure(reason: "ends too early")
    }

    private func unescaped(_ text: Quoted) throws(Failure) -> SecretBytes {
      do throws(CryptoError) {
        var result = try SecretBytes(count: text.bytes.count)
        var count: Int? = 0
        result.withUnsafeMutableBytes { count = Self.unescape(text.bytes, into: $0) }
        guard let count else { throw .invalidInput("escape") }
        return try SecretBytes(copying: result, range: 0..<count)
      } catch .outOfSecureMemory {
        throw Failure(reason: "does not fit the locked memory")
      } catch {
        throw Failure(reason: "has an escape that is not taken")
      }
    }

    private static func unescape(
      _ source: Slice<UnsafeRawBufferPointer>,
      into target: UnsafeMutableRawBufferPointer
    ) -> Int? {
      var count = 0
      var rest = source
      while let byte = rest.popFirst() {
        var value = byte
        if byte == UInt8(ascii: "\\") {
          switch rest.popFirst() {
          case UInt8(ascii: "n"): value = 0x0a
          case UInt8(ascii: "r"): value = 0x0d
          case UInt8(ascii: "t"): value = 0x09
          case .some(let plain) where [0x22, 0x2f, 0x5c].contains(plain): value = plain
          case UInt8(ascii: "u"):
            guard rest.count >= 4, rest.popFirst() == 48, rest.popFirst() == 48,
              let high = rest.popFirst().flatMap(digit), high < 8,
              let low = rest.popFirst().flatMap(digit)
            else { return nil }
            value = high << 4 | low
          default: return nil
          }
        }
        target[count] = value
        count += 1
      }
      return count
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
      switch byte {
      case 48...57: byte - 48
      case 65...70: byte - 55
      case 97...102: byte - 87
      default: nil
      }
    }

    private mutating func skipValue(depth: Int) throws(Failure) {
      guard depth < 32 else { throw Failure(reason: "is nested too deep") }
      skipSpace()
      switch peek {
      case UInt8(ascii: "\""): _ = try string()
      case UInt8(ascii: "{"), UInt8(ascii: "["): try skipMembers(depth)
      case .some(let byte) where Self.isPlain(byte):
        while let byte = peek, Self.isPlain(byte) { offset += 1 }
      default: throw Failure(reason: "is not JSON")
      }
    }

    private mutating func skipMembers(_ depth: Int) throws(Failure) {
      let isObject = peek == UInt8(ascii: "{")
      let end = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
      offset += 1
      skipSpace()
      if peek == end {
        offset += 1
        return
      }
      while true {
        skipSpace()
        if isObject {
          _ = try string()
          try expect(UInt8(ascii: ":"))
        }
        try skipValue(depth: depth + 1)
        skipSpace()
        guard peek == UInt8(ascii: ",") else { break }
        offset += 1
      }
      try expect(end)
    }

    /// Of numbers and of the words true, false and null.
    private static func isPlain(_ byte: UInt8) -> Bool {
      switch byte {
      case 48...57, 97...122, UInt8(ascii: "E"), UInt8(ascii: "+"), UInt8(ascii: "-"),
        UInt8(ascii: "."):
        true
      default: false
      }
    }

    private mutating func expect(_ byte: UInt8) throws(Failure) {
      skipSpace()
      guard peek == byte else { throw Failure(reason: "is not JSON") }
      offset += 1
    }

    private mutating func skipSpace() {
      while let byte = peek, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
        offset += 1
      }
    }
  }
}
