/// The textual encoding of private keys (RFC 7468 §10), read within the arena.
package enum PrivateKeyPEM {
  private static let begin = Array("-----BEGIN PRIVATE KEY-----".utf8)
  private static let end = Array("-----END PRIVATE KEY-----".utf8)

  /// The DER of the first `PRIVATE KEY` block; nil if there is none, or it is not base64.
  package static func der(in text: borrowing SecretBytes) throws(CryptoError) -> SecretBytes? {
    var der = try SecretBytes(count: text.count)
    var count = 0
    text.withUnsafeBytes { source in
      guard let start = find(begin, in: source, from: 0),
        let stop = find(end, in: source, from: start + begin.count)
      else { return }
      let body = UnsafeRawBufferPointer(rebasing: source[(start + begin.count)..<stop])
      der.withUnsafeMutableBytes { target in count = decode(body, into: target) ?? 0 }
    }
    guard count > 0 else { return nil }
    return try SecretBytes(copying: der, range: 0..<count)
  }

  private static func find(
    _ marker: [UInt8],
    in bytes: UnsafeRawBufferPointer,
    from start: Int
  ) -> Int? {
    guard bytes.count >= start + marker.count else { return nil }
    for index in start...(bytes.count - marker.count)
    where bytes[index..<(index + marker.count)].elementsEqual(marker) {
      return index
    }
    return nil
  }

  /// Base64 with line breaks; the number of bytes, or nil if it is not well-formed.
  private static func decode(
    _ text: UnsafeRawBufferPointer,
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
