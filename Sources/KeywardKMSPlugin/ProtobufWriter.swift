import NIOCore

/// Sizes and writes length-delimited protobuf fields, numbers 1 to 15; empty ones are left out.
///
/// Source: protobuf.dev/programming-guides/encoding.
enum ProtobufWriter {
  static func varintSize(_ value: Int) -> Int {
    var size = 1
    var rest = value >> 7
    while rest > 0 {
      size += 1
      rest >>= 7
    }
    return size
  }

  /// The bytes of a field with `count` bytes of content, its tag and length included.
  static func fieldSize(_ count: Int) -> Int {
    count == 0 ? 0 : 1 + varintSize(count) + count
  }

  static func writeHeader(_ number: UInt8, count: Int, to buffer: inout ByteBuffer) {
    buffer.writeInteger(number << 3 | 2)
    var rest = count
    while rest >= 0x80 {
      buffer.writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    buffer.writeInteger(UInt8(truncatingIfNeeded: rest))
  }

  static func write(_ number: UInt8, _ text: String, to buffer: inout ByteBuffer) {
    guard !text.isEmpty else { return }
    writeHeader(number, count: text.utf8.count, to: &buffer)
    buffer.writeString(text)
  }

  static func write(_ number: UInt8, _ bytes: [UInt8], to buffer: inout ByteBuffer) {
    guard !bytes.isEmpty else { return }
    writeHeader(number, count: bytes.count, to: &buffer)
    buffer.writeBytes(bytes)
  }

  /// The bytes of a `map<string, bytes>` field.
  static func mapSize(_ map: [String: [UInt8]]) -> Int {
    map.reduce(0) { sum, entry in
      let content = entrySize(entry.key, entry.value)
      return sum + 1 + varintSize(content) + content
    }
  }

  /// Writes a `map<string, bytes>` in the order of its names, so that equal maps are equal bytes.
  static func write(_ number: UInt8, _ map: [String: [UInt8]], to buffer: inout ByteBuffer) {
    for (name, value) in map.sorted(by: { $0.key < $1.key }) {
      writeHeader(number, count: entrySize(name, value), to: &buffer)
      write(1, name, to: &buffer)
      write(2, value, to: &buffer)
    }
  }

  private static func entrySize(_ name: String, _ value: [UInt8]) -> Int {
    fieldSize(name.utf8.count) + fieldSize(value.count)
  }
}
