/// Decodes base64 text that is secret, within the arena.
package enum SecretBase64 {
  /// The bytes of unpadded base64url (RFC 4648 §5); nil for every other spelling.
  ///
  /// Digits are computed, not looked up.
  package static func decodeURL(_ text: borrowing SecretBytes) throws(CryptoError) -> SecretBytes? {
    guard text.count % 4 != 1 else { return nil }
    var out = try SecretBytes(count: text.count * 6 / 8)
    let isValid = text.withUnsafeBytes { source in
      out.withUnsafeMutableBytes { target in
        var buffer: UInt32 = 0
        var bits: UInt32 = 0
        var count = 0
        var bad: UInt32 = 0
        for byte in source {
          let value = value(byte)
          bad |= value >> 31
          buffer = (buffer << 6 | value & 63) & 0xffff
          bits += 6
          if bits >= 8 {
            bits -= 8
            target[count] = UInt8(truncatingIfNeeded: buffer >> bits)
            count += 1
          }
        }
        return bad == 0 && buffer & ((1 << bits) - 1) == 0
      }
    }
    guard isValid else { return nil }
    return out
  }

  /// 0 to 63, or all bits set.
  private static func value(_ byte: UInt8) -> UInt32 {
    let digit = UInt32(byte)
    // All bits set when `digit` is within the bounds.
    func within(_ low: UInt32, _ high: UInt32) -> UInt32 {
      (((digit &- low) | (high &- digit)) >> 31) &- 1
    }
    let letter = within(65, 90) & (digit &- 65 &+ 1)
    let small = within(97, 122) & (digit &- 71 &+ 1)
    let number = within(48, 57) & (digit &+ 4 &+ 1)
    let hyphen = within(45, 45) & 63
    let line = within(95, 95) & 64
    return (letter | small | number | hyphen | line) &- 1
  }
}
