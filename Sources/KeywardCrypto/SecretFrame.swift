/// A public head and secret values in one run of bytes: the body of a fetch and of a write.
///
/// A 4-byte length in network order, a head of so many bytes, then the values one after the other.
/// How long each value is stands in the head, so the reader parses that first. Nothing may follow
/// the last value.
package enum SecretFrame {
  /// Puts `head` and `values` together in the arena.
  package static func write(
    head: [UInt8],
    values: [SecretBox]
  ) throws(CryptoError) -> SecretBytes {
    let total = values.reduce(4 + head.count) { $0 + $1.bytes.count }
    guard let length = UInt32(exactly: head.count) else { throw .invalidInput("head too long") }
    var frame = try SecretBytes(count: total)
    frame.withUnsafeMutableBytes { target in
      for index in 0..<4 {
        target[index] = UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * index))
      }
      UnsafeMutableRawBufferPointer(rebasing: target[4...]).copyBytes(from: head)
      var offset = 4 + head.count
      for value in values {
        value.bytes.withUnsafeBytes { source in
          UnsafeMutableRawBufferPointer(rebasing: target[offset...]).copyMemory(from: source)
        }
        offset += value.bytes.count
      }
    }
    return frame
  }

  /// The head of a frame, copied out of the arena; a longer one than `limit` is `invalidInput`.
  package static func head(
    of frame: borrowing SecretBytes,
    limit: Int
  ) throws(CryptoError) -> [UInt8] {
    try frame.withUnsafeBytes { bytes throws(CryptoError) in
      guard bytes.count >= 4 else { throw .invalidInput("frame without a head") }
      let length = bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      guard length <= limit, length <= bytes.count - 4 else {
        throw .invalidInput("head outside the frame")
      }
      return [UInt8](bytes[4..<4 + length])
    }
  }

  /// The values behind a head of `headCount` bytes, each in a piece of the arena of its own.
  ///
  /// `lengths` comes from outside: anything but exactly the rest of the frame is `invalidInput`.
  package static func values(
    of frame: borrowing SecretBytes,
    headCount: Int,
    lengths: [Int]
  ) throws(CryptoError) -> [SecretBox] {
    guard headCount >= 0, headCount <= frame.count - 4 else {
      throw .invalidInput("head outside the frame")
    }
    var offset = 4 + headCount
    var rest = frame.count - offset
    for length in lengths {
      guard length >= 0, length <= rest else { throw .invalidInput("value outside the frame") }
      rest -= length
    }
    guard rest == 0 else { throw .invalidInput("bytes behind the values") }
    var values: [SecretBox] = []
    values.reserveCapacity(lengths.count)
    for length in lengths {
      values.append(SecretBox(try SecretBytes(copying: frame, range: offset..<offset + length)))
      offset += length
    }
    return values
  }
}
