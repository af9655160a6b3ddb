import KeywardCrypto

/// Bech32 (BIP 173) without its limit of 90 characters, as age writes keys.
///
/// Works on bytes in the arena, since identities are secret.
enum Bech32 {
  private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)

  /// The text of `bytes` under a lower-case prefix.
  static func encode(_ prefix: String, _ bytes: [UInt8]) -> String {
    var digits: [UInt8] = []
    var buffer = 0
    var bits = 0
    for byte in bytes {
      buffer = (buffer << 8 | Int(byte)) & 0xfff
      bits += 8
      while bits >= 5 {
        bits -= 5
        digits.append(UInt8(buffer >> bits & 31))
      }
    }
    if bits > 0 { digits.append(UInt8(buffer << (5 - bits) & 31)) }
    let sum = checksum(prefix, digits + [0, 0, 0, 0, 0, 0]) ^ 1
    digits += (0..<6).map { UInt8(sum >> UInt32(5 * (5 - $0)) & 31) }
    return prefix + "1" + String(decoding: digits.map { alphabet[Int($0)] }, as: UTF8.self)
  }

  /// The `count` bytes of a text under a lower-case prefix, or nil.
  static func decode(
    _ prefix: String,
    _ text: UnsafeRawBufferPointer,
    count: Int
  ) throws(CryptoError) -> SecretBox? {
    let start = prefix.utf8.count + 1
    let length = (count * 8 + 4) / 5
    guard text.count == start + length + 6, isOneCase(text) else { return nil }
    for (index, byte) in (prefix + "1").utf8.enumerated() where lower(text[index]) != byte {
      return nil
    }
    var digits = try SecretBytes(count: length + 6)
    let isWhole = digits.withUnsafeMutableBytes { digits in
      for index in 0..<digits.count {
        let byte = lower(text[start + index])
        guard let digit = alphabet.firstIndex(of: byte) else { return false }
        digits[index] = UInt8(digit)
      }
      return true
    }
    guard isWhole else { return nil }
    var result = try SecretBytes(count: count)
    let isRight = digits.withUnsafeBytes { digits in
      guard checksum(prefix, digits) == 1 else { return false }
      return result.withUnsafeMutableBytes { result in
        var buffer = 0
        var bits = 0
        var next = 0
        for digit in digits[..<length] {
          buffer = (buffer << 5 | Int(digit)) & 0xfff
          bits += 5
          if bits >= 8 {
            bits -= 8
            result[next] = UInt8(buffer >> bits & 255)
            next += 1
          }
        }
        return next == count && buffer & ((1 << bits) - 1) == 0
      }
    }
    return isRight ? SecretBox(result) : nil
  }

  private static func isOneCase(_ text: UnsafeRawBufferPointer) -> Bool {
    let hasLower = text.contains { (0x61...0x7a).contains($0) }
    let hasUpper = text.contains { (0x41...0x5a).contains($0) }
    return !(hasLower && hasUpper)
  }

  private static func lower(_ byte: UInt8) -> UInt8 {
    (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
  }

  private static func checksum(_ prefix: String, _ digits: some Sequence<UInt8>) -> UInt32 {
    let generator: [UInt32] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3]
    var sum: UInt32 = 1
    func take(_ digit: UInt8) {
      let top = sum >> 25
      sum = (sum & 0x1ff_ffff) << 5 ^ UInt32(digit)
      for (index, term) in generator.enumerated() where top >> UInt32(index) & 1 == 1 {
        sum ^= term
      }
    }
    for byte in prefix.utf8 { take(byte >> 5) }
    take(0)
    for byte in prefix.utf8 { take(byte & 31) }
    for digit in digits { take(digit) }
    return sum
  }
}
