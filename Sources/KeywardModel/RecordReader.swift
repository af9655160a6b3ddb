/// Reads what `RecordWriter` wrote; anything else is an error, never a trap.
package struct RecordReader: Sendable {
  /// Why a record was refused; the offset is in bytes from its start.
  package enum Failure: Error, Equatable, Sendable {
    case truncated(offset: Int)
    case wrongLabel
    case wrongLength(offset: Int)
    case invalidText(offset: Int)
    case trailingBytes(offset: Int)
  }

  private let bytes: [UInt8]
  private var offset = 0

  /// Opens a record and checks that its first field is `label`.
  package init(_ bytes: [UInt8], label: String) throws(Failure) {
    self.bytes = bytes
    guard try readText() == label else { throw .wrongLabel }
  }

  /// The next field, at most `limit` bytes.
  package mutating func readBytes(limit: Int = 1 << 20) throws(Failure) -> [UInt8] {
    guard bytes.count - offset >= 4 else { throw .truncated(offset: offset) }
    var length = 0
    for index in offset..<offset + 4 { length = length << 8 | Int(bytes[index]) }
    guard length <= limit else { throw .wrongLength(offset: offset) }
    guard bytes.count - offset - 4 >= length else { throw .truncated(offset: offset) }
    offset += 4
    defer { offset += length }
    return Array(bytes[offset..<offset + length])
  }

  /// The next field as UTF-8 text.
  package mutating func readText(limit: Int = 1 << 16) throws(Failure) -> String {
    let start = offset
    let field = try readBytes(limit: limit)
    guard let text = String(validating: field, as: UTF8.self) else {
      throw .invalidText(offset: start)
    }
    return text
  }

  /// The next field as an unsigned number.
  package mutating func readNumber() throws(Failure) -> UInt64 {
    let start = offset
    let field = try readBytes(limit: 8)
    guard field.count == 8 else { throw .wrongLength(offset: start) }
    return field.reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Whether all fields were read.
  package var isAtEnd: Bool { offset == bytes.count }

  /// Refuses bytes after the last field.
  package func finish() throws(Failure) {
    guard isAtEnd else { throw .trailingBytes(offset: offset) }
  }
}
