/// Writes a canonical record: a label, then length-prefixed fields, so that no two different
/// sequences of fields have the same bytes.
///
/// Used for associated data, MAC inputs and stored binary records. Each field is its length as a
/// 32-bit big-endian number, then its bytes; numbers are 8 bytes, big-endian.
package struct RecordWriter: Sendable {
  /// The record so far.
  package private(set) var bytes: [UInt8]

  /// Starts a record whose first field is `label`, which names format and purpose.
  package init(_ label: String) {
    bytes = []
    bytes.reserveCapacity(192)
    add(label)
  }

  /// Appends a field of raw bytes; at most 2^32 - 1 of them.
  package mutating func add(_ field: [UInt8]) {
    addLength(field.count)
    bytes.append(contentsOf: field)
  }

  /// Appends a field with the UTF-8 bytes of `text`.
  package mutating func add(_ text: String) {
    addLength(text.utf8.count)
    bytes.append(contentsOf: text.utf8)
  }

  /// Appends a number as an 8-byte field.
  package mutating func add(_ number: UInt64) {
    addLength(8)
    for shift in stride(from: UInt64(56), through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: number >> shift))
    }
  }

  /// Appends a signed number as the 8 bytes of its two's complement.
  package mutating func add(_ number: Int64) {
    add(UInt64(bitPattern: number))
  }

  /// Appends a number that may be absent: an empty field when it is, so that 0 and absent differ.
  package mutating func add(_ number: Int64?) {
    guard let number else {
      addLength(0)
      return
    }
    add(number)
  }

  private mutating func addLength(_ count: Int) {
    let length = UInt32(clamping: count)
    bytes.append(UInt8(truncatingIfNeeded: length >> 24))
    bytes.append(UInt8(truncatingIfNeeded: length >> 16))
    bytes.append(UInt8(truncatingIfNeeded: length >> 8))
    bytes.append(UInt8(truncatingIfNeeded: length))
  }
}
