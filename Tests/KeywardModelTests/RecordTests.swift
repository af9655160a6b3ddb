import KeywardModel
import Testing

@Suite
struct RecordTests {
  @Test("What is written is read")
  func roundTrip() throws {
    var writer = RecordWriter("label")
    writer.add([1, 2, 3] as [UInt8])
    writer.add("text")
    writer.add(UInt64.max)
    writer.add(Int64?.none)
    var reader = try RecordReader(writer.bytes, label: "label")
    #expect(try reader.readBytes() == [1, 2, 3])
    #expect(try reader.readText() == "text")
    #expect(try reader.readNumber() == .max)
    #expect(try reader.readBytes() == [])
    try reader.finish()
  }

  @Test("The boundary between fields is part of the bytes")
  func unambiguous() {
    var left = RecordWriter("x")
    left.add("ab")
    left.add("c")
    var right = RecordWriter("x")
    right.add("a")
    right.add("bc")
    #expect(left.bytes != right.bytes)
  }

  @Test("Every cut and every flipped length is an error, not a trap")
  func damaged() throws {
    var writer = RecordWriter("label")
    writer.add([UInt8](repeating: 9, count: 40))
    func readAll(_ bytes: [UInt8]) throws {
      var reader = try RecordReader(bytes, label: "label")
      _ = try reader.readBytes(limit: 64)
      try reader.finish()
    }
    try readAll(writer.bytes)
    for count in 0..<writer.bytes.count {
      #expect(throws: RecordReader.Failure.self) { try readAll(Array(writer.bytes[..<count])) }
    }
    for index in Array(0..<13) {
      for bit in 0..<8 {
        var bytes = writer.bytes
        bytes[index] ^= 1 << UInt8(bit)
        #expect(throws: RecordReader.Failure.self) { try readAll(bytes) }
      }
    }
  }
}
