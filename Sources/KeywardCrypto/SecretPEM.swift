/// The textual encoding of keys (RFC 7468), written and read within the arena.
package enum SecretPEM {
  /// One block with lines of 64 characters and a line break at its end.
  package static func encode(
    _ label: String,
    _ der: borrowing SecretBytes
  ) throws(CryptoError) -> SecretBytes {
    let bytesInLine = 48
    var text = try SecretWriter(capacity: der.count * 3 / 2 + 128)
    try text.append(Array("-----BEGIN \(label)-----\n".utf8))
    for start in stride(from: 0, to: der.count, by: bytesInLine) {
      let range = start..<min(start + bytesInLine, der.count)
      try text.appendBase64(SecretBytes(copying: der, range: range), .standard)
      try text.append("\n")
    }
    try text.append(Array("-----END \(label)-----\n".utf8))
    return try text.finish()
  }

  /// The DER of the first block of that label; nil if there is none, or if it is not base64.
  package static func decode(
    _ label: String,
    _ text: borrowing SecretBytes
  ) throws(CryptoError) -> SecretBytes? {
    let begin = Array("-----BEGIN \(label)-----".utf8)
    let end = Array("-----END \(label)-----".utf8)
    guard let start = text.firstRange(of: begin)?.upperBound,
      let stop = text.firstRange(of: end, from: start)?.lowerBound
    else { return nil }
    var der = try SecretBytes(count: (stop - start) / 4 * 3 + 3)
    let count = der.withUnsafeMutableBytes { target in
      text.withUnsafeBytes { source in decode(source[start..<stop], into: target) }
    }
    guard let count, count > 0 else { return nil }
    return try SecretBytes(copying: der, range: 0..<count)
  }

  /// Base64 with white space; the number of bytes, or nil if it is not well-formed.
  private static func decode(
    _ text: Slice<UnsafeRawBufferPointer>,
    into target: UnsafeMutableRawBufferPointer
  ) -> Int? {
    var buffer: UInt32 = 0
    var bits = 0
    var count = 0
    var padding = 0
    for byte in text {
      let digit: UInt32
      switch byte {
      case 65...90: digit = UInt32(byte) - 65
      case 97...122: digit = UInt32(byte) - 71
      case 48...57: digit = UInt32(byte) + 4
      case UInt8(ascii: "+"): digit = 62
      case UInt8(ascii: "/"): digit = 63
      case UInt8(ascii: "="):
        padding += 1
        continue
      case 0x0a, 0x0d, 0x20, 0x09: continue
      default: return nil
      }
      guard padding == 0 else { return nil }
      buffer = (buffer << 6 | digit) & 0xffff
      bits += 6
      if bits >= 8 {
        bits -= 8
        target[count] = UInt8(truncatingIfNeeded: buffer >> UInt32(bits))
        count += 1
      }
    }
    return padding <= 2 && bits < 6 ? count : nil
  }
}

extension SecretBytes {
  /// Where `marker` first stands at or behind `start`.
  package func firstRange(of marker: [UInt8], from start: Int = 0) -> Range<Int>? {
    withUnsafeBytes { bytes in
      guard !marker.isEmpty, bytes.count - start >= marker.count else { return nil }
      for index in start...(bytes.count - marker.count)
      where bytes[index] == marker[0]
        && bytes[index..<(index + marker.count)].elementsEqual(marker)
      {
        return index..<(index + marker.count)
      }
      return nil
    }
  }
}
