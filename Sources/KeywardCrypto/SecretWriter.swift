import COpenSSL

/// Puts secret bytes together in the arena, with public text between them.
///
/// Grows by doubling; the smaller buffers are wiped like all secrets.
package struct SecretWriter: ~Copyable {
  private var buffer: SecretBytes
  package private(set) var count = 0

  package init(capacity: Int = 1024) throws(CryptoError) {
    buffer = try SecretBytes(count: max(capacity, 16))
  }

  /// What was written.
  package consuming func finish() throws(CryptoError) -> SecretBytes {
    try SecretBytes(copying: buffer, range: 0..<count)
  }

  package mutating func append(_ bytes: [UInt8]) throws(CryptoError) {
    try reserve(bytes.count)
    (buffer.mutablePointer + count).update(from: bytes, count: bytes.count)
    count += bytes.count
  }

  /// Text that is not secret.
  package mutating func append(_ text: StaticString) throws(CryptoError) {
    try append(text.withUTF8Buffer { Array($0) })
  }

  package mutating func append(_ secret: borrowing SecretBytes) throws(CryptoError) {
    try reserve(secret.count)
    (buffer.mutablePointer + count).update(from: secret.pointer, count: secret.count)
    count += secret.count
  }

  /// The alphabets of RFC 4648 §4 and §5.
  package enum Alphabet: Sendable {
    /// With padding.
    case standard
    /// Without padding.
    case url
  }

  /// The base64 of a secret.
  ///
  /// Digits are computed, not looked up: which line of a table was read can be seen in the cache.
  package mutating func appendBase64(
    _ secret: borrowing SecretBytes,
    _ alphabet: Alphabet
  ) throws(CryptoError) {
    try reserve((secret.count + 2) / 3 * 4)
    var target = buffer.mutablePointer + count
    let start = target
    let (plus, slash): (UInt8, UInt8) =
      alphabet == .standard
      ? (UInt8(ascii: "+"), UInt8(ascii: "/")) : (UInt8(ascii: "-"), UInt8(ascii: "_"))
    secret.withUnsafeBytes { bytes in
      var pending: UInt32 = 0
      var bits: UInt32 = 0
      for byte in bytes {
        pending = (pending << 8 | UInt32(byte)) & 0xffff
        bits += 8
        while bits >= 6 {
          bits -= 6
          target.pointee = Self.digit(pending >> bits & 63, plus, slash)
          target += 1
        }
      }
      if bits > 0 {
        target.pointee = Self.digit(pending << (6 - bits) & 63, plus, slash)
        target += 1
      }
    }
    while alphabet == .standard, (target - start) % 4 != 0 {
      target.pointee = UInt8(ascii: "=")
      target += 1
    }
    count += target - start
  }

  /// The digit of 6 bits, without a branch or an address that depends on them.
  private static func digit(_ value: UInt32, _ plus: UInt8, _ slash: UInt8) -> UInt8 {
    // All bits set when `value` is at least the bound.
    func reaches(_ bound: UInt32) -> UInt32 { ~(((value &- bound) >> 31) &* 0xffff_ffff) }
    var digit = value &+ 65
    digit = digit &+ (reaches(26) & 6)
    digit = digit &- (reaches(52) & 75)
    digit = digit &+ (reaches(62) & (UInt32(plus) &- 58))
    digit = digit &+ (reaches(63) & (UInt32(slash) &- UInt32(plus) &- 1))
    return UInt8(truncatingIfNeeded: digit)
  }

  private mutating func reserve(_ more: Int) throws(CryptoError) {
    let needed = count + more
    guard needed > buffer.count else { return }
    var larger = try SecretBytes(count: max(needed, buffer.count * 2))
    let old = UnsafeRawBufferPointer(start: buffer.pointer, count: count)
    larger.withUnsafeMutableBytes { $0.copyMemory(from: old) }
    buffer = larger
  }
}
