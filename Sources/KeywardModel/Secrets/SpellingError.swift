/// Why a text is no name or reference, and at which character.
///
/// What stands before ``position`` was right, and is ASCII, so that bytes and columns agree.
package struct SpellingError: Error, Hashable, Sendable {
  /// Bytes from the start of the text, from 0.
  package let position: Int
  /// What should stand there, as `'#' and the name of a field`.
  package let expected: String

  package init(position: Int, expected: String) {
    self.position = position
    self.expected = expected
  }

  /// One sentence for an error message: `expected … at character 12`.
  package var sentence: String { "expected \(expected) at character \(position + 1)" }

  /// Two lines for a terminal: the text, and a mark below the character.
  ///
  /// Characters that are not printable ASCII are shown as `?`, and of a long text only what is near.
  package func pointing(in text: String) -> String {
    let before = text.utf8.prefix(position).suffix(60)
    let after = text.utf8.dropFirst(position).prefix(20)
    var line = ""
    for byte in Array(before) + Array(after) {
      line.unicodeScalars.append((32...126).contains(byte) ? Unicode.Scalar(byte) : "?")
    }
    return line + "\n" + String(repeating: " ", count: before.count) + "^ expected " + expected
  }
}

/// Walks over a text byte by byte and says where it stops being what it should be.
struct SpellingReader {
  private let bytes: [UInt8]
  private(set) var position = 0

  init(_ text: String) {
    bytes = Array(text.utf8)
  }

  var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  var isAtEnd: Bool { position == bytes.count }

  func failure(_ expected: String) -> SpellingError {
    SpellingError(position: position, expected: expected)
  }

  /// Takes `text`, or fails at the first byte that differs.
  mutating func take(_ text: StaticString, orExpect expected: String) throws(SpellingError) {
    for byte in "\(text)".utf8 {
      guard next == byte else { throw failure(expected) }
      position += 1
    }
  }

  mutating func takes(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    position += 1
    return true
  }

  /// Takes 1 to 64 characters of a segment of a path: lower case, beginning with a letter or digit.
  mutating func takeSegment(_ what: String) throws(SpellingError) -> String {
    try takeName(what, "a letter of a-z or a digit", "a-z, 0-9, '.', '_' or '-'") { byte, isFirst in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
      case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): !isFirst
      default: false
      }
    }
  }

  /// Takes 1 to 64 characters of the name of a field.
  mutating func takeField(_ what: String) throws(SpellingError) -> String {
    let letters = "a-z, A-Z, 0-9, '.', '_' or '-'"
    return try takeName(what, letters, letters) { byte, _ in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "-"):
        true
      default: false
      }
    }
  }

  /// Takes a number from 1 to 2,147,483,647 without leading zeros.
  mutating func takeVersion() throws(SpellingError) -> Int {
    var number = 0
    let start = position
    while let byte = next, (48...57).contains(byte) {
      guard number > 0 || byte != 48 else { break }
      let digit = Int(byte) - 48
      guard number <= (Int(Int32.max) - digit) / 10 else {
        throw failure("a version of at most \(Int32.max)")
      }
      number = number * 10 + digit
      position += 1
    }
    guard position > start else { throw failure("the number of a version, from 1") }
    return number
  }

  private mutating func takeName(
    _ what: String,
    _ first: String,
    _ others: String,
    _ allows: (UInt8, Bool) -> Bool
  ) throws(SpellingError) -> String {
    let start = position
    while let byte = next, allows(byte, position == start) {
      guard position - start < 64 else {
        throw failure("the end of \(what), which has at most 64 characters")
      }
      position += 1
    }
    guard position > start else { throw failure("\(what): \(first)") }
    // A byte that begins no separator is a misspelled character of this name, not of what follows.
    if let byte = next, !Self.separators.contains(byte) {
      throw failure("\(others) in \(what)")
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private static let separators = Array("/?#".utf8)
}
