import CKeywardShims
import COpenSSL

/// Secret bytes in the locked arena, wiped on release.
///
/// Not copyable, so that the number of places that hold a key can be read from the source. There is
/// no description that shows the bytes: `revealed()` is the one way out, and easy to search for.
package struct SecretBytes: ~Copyable, @unchecked Sendable {
  // Unchecked: the pointer is owned by this one value, and writes need `mutating`.
  private let base: UnsafeMutableRawPointer
  package let count: Int

  /// Makes `count` zero bytes.
  package init(count: Int) throws(CryptoError) {
    guard count >= 0 else { throw .invalidInput("negative length") }
    guard let base = kw_memory_alloc(count) else { throw .outOfSecureMemory }
    self.base = base
    self.count = count
  }

  /// Copies the bytes of `source`, which the caller must wipe if they are secret.
  package init(copying source: UnsafeRawBufferPointer) throws(CryptoError) {
    try self.init(count: source.count)
    if let start = source.baseAddress { base.copyMemory(from: start, byteCount: source.count) }
  }

  /// Copies a part of other secret bytes; a range outside them is `invalidInput`.
  package init(copying source: borrowing SecretBytes, range: Range<Int>) throws(CryptoError) {
    guard range.lowerBound >= 0, range.upperBound <= source.count else {
      throw .invalidInput("range outside the secret")
    }
    try self.init(copying: UnsafeRawBufferPointer(start: source.base, count: source.count)[range])
  }

  private init(copying source: Slice<UnsafeRawBufferPointer>) throws(CryptoError) {
    try self.init(copying: UnsafeRawBufferPointer(rebasing: source))
  }

  /// Makes random bytes with `RAND_priv_bytes`, written straight into the arena.
  package static func random(count: Int) throws(CryptoError) -> SecretBytes {
    guard count >= 0, count <= Int(Int32.max) else { throw .invalidInput("length") }
    let result = try SecretBytes(count: count)
    OpenSSL.prepare()
    guard RAND_priv_bytes(result.base.assumingMemoryBound(to: UInt8.self), Int32(count)) == 1 else {
      OpenSSL.clearErrors()
      throw .entropyFailure
    }
    return result
  }

  /// Copies bytes that are not secret: test vectors and public constants.
  package static func fixture(_ bytes: [UInt8]) throws(CryptoError) -> SecretBytes {
    let result = try SecretBytes(count: bytes.count)
    result.base.copyMemory(from: bytes, byteCount: bytes.count)
    return result
  }

  deinit { kw_memory_free(base) }

  /// Calls `body` with the bytes, which must not escape it.
  package borrowing func withUnsafeBytes<R: ~Copyable, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    try body(UnsafeRawBufferPointer(start: base, count: count))
  }

  /// Calls `body` with the bytes to write, which must not escape it.
  package mutating func withUnsafeMutableBytes<R: ~Copyable, E: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    try body(UnsafeMutableRawBufferPointer(start: base, count: count))
  }

  /// A second copy in the arena.
  package borrowing func clone() throws(CryptoError) -> SecretBytes {
    try SecretBytes(copying: UnsafeRawBufferPointer(start: base, count: count))
  }

  /// Compares in time that depends on the lengths alone.
  package borrowing func constantTimeEquals(_ other: borrowing SecretBytes) -> Bool {
    count == other.count && CRYPTO_memcmp(base, other.base, count) == 0
  }

  /// Copies the bytes out of the arena: only for plaintext that policy lets leave.
  package borrowing func revealed() -> [UInt8] {
    [UInt8](UnsafeRawBufferPointer(start: base, count: count))
  }

  /// The first byte, for C calls; valid while the value lives.
  var pointer: UnsafePointer<UInt8> {
    borrowing get { UnsafePointer(base.assumingMemoryBound(to: UInt8.self)) }
  }

  /// The first byte to write, for C calls that fill a value made by the caller.
  var mutablePointer: UnsafeMutablePointer<UInt8> {
    borrowing get { base.assumingMemoryBound(to: UInt8.self) }
  }
}
