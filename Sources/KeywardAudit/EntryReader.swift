/// Reads the canonical JSON of an entry: each piece must stand exactly where the encoder puts it.
///
/// It is no JSON parser on purpose. There is no depth, no order, no duplicate key and no escape to
/// get wrong; what is not canonical is refused.
struct EntryReader {
  private let bytes: [UInt8]
  private(set) var position = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  func refusal(_ what: String) -> AuditError {
    .malformedEntry("\(what) at byte \(position)")
  }

  /// Steps over the text if it is what comes next.
  mutating func take(_ text: String) -> Bool {
    var next = position
    for byte in text.utf8 {
      guard next < bytes.count, bytes[next] == byte else { return false }
      next += 1
    }
    position = next
    return true
  }

  mutating func expect(_ text: String) throws(AuditError) {
    guard take(text) else { throw refusal("expected " + text) }
  }

  mutating func end() throws(AuditError) {
    guard position == bytes.count else { throw refusal("trailing bytes") }
  }

  /// The characters up to the closing quote, which is stepped over.
  private mutating func quoted(limit: Int) throws(AuditError) -> ArraySlice<UInt8> {
    var end = position
    while end < bytes.count, bytes[end] != UInt8(ascii: "\"") {
      guard end - position < limit else { throw refusal("text is too long") }
      end += 1
    }
    guard end < bytes.count else { throw refusal("text does not end") }
    let text = bytes[position..<end]
    position = end + 1
    return text
  }

  mutating func text(_ field: AuditText) throws(AuditError) -> String {
    let text = try quoted(limit: field.limit)
    guard field.accepts(text) else { throw refusal("characters not allowed before") }
    return String(decoding: text, as: UTF8.self)
  }

  /// A short text to compare with a closed set.
  mutating func word() throws(AuditError) -> String {
    String(decoding: try quoted(limit: 80), as: UTF8.self)
  }

  mutating func value<Value>(_ make: (String) -> Value?) throws(AuditError) -> Value {
    guard let value = make(try word()) else { throw refusal("unknown value before") }
    return value
  }

  mutating func time() throws(AuditError) -> UInt64 {
    guard let time = AuditTime.parse(try quoted(limit: 24)) else {
      throw refusal("not a time before")
    }
    return time
  }

  mutating func number() throws(AuditError) -> UInt64 {
    var end = position
    while end < bytes.count, end - position < 17, bytes[end] >= UInt8(ascii: "0"),
      bytes[end] <= UInt8(ascii: "9")
    {
      end += 1
    }
    guard let value = Decimal.value(bytes[position..<end]), value <= AuditNumber.maximum else {
      throw refusal("not a number of at most 2^53 - 1")
    }
    position = end
    return value
  }

  mutating func number(_ prefix: String) throws(AuditError) -> UInt64 {
    try expect(prefix)
    return try number()
  }

  /// A 32-bit number after the prefix, if the prefix comes next.
  mutating func optionalID(_ prefix: String) throws(AuditError) -> UInt32? {
    guard take(prefix) else { return nil }
    guard let value = UInt32(exactly: try number()) else { throw refusal("number too large") }
    return value
  }
}
