import COpenSSL
import Glibc
import Synchronization

/// Random bytes that may be public, such as salts, identifiers and nonces.
///
/// Keys come from `SecretBytes.random`.
package enum RandomSource {
  /// The most bytes that are served from a block.
  private static let smallDraw = 64
  private static let blockLength = 4096

  /// Random bytes drawn ahead.
  ///
  /// In the arena, which a forked child does not get: two processes that share a block would share
  /// nonces.
  private final class Block: Sendable {
    struct Contents: ~Copyable {
      var bytes: SecretBytes?
      var used = blockLength
    }

    let contents = Mutex(Contents())
  }

  private static let blocks = (0..<16).map { _ in Block() }

  /// Draws `count` bytes with `RAND_bytes`.
  ///
  /// A draw costs 0.6 µs whatever its size, so small ones are cut from blocks.
  package static func bytes(_ count: Int) throws(CryptoError) -> [UInt8] {
    guard count >= 0, count <= Int(Int32.max) else { throw .invalidInput("length") }
    guard count > 0, count <= smallDraw else { return try fresh(count) }
    let start = Int(truncatingIfNeeded: UInt(pthread_self()) >> 12)
    return try blocks[start & 15].contents.withLock { contents throws(CryptoError) in
      if contents.used + count > blockLength { try refill(&contents) }
      guard let start = contents.bytes?.mutablePointer else { throw .entropyFailure }
      let part = UnsafeMutableBufferPointer(start: start + contents.used, count: count)
      defer { part.update(repeating: 0) }
      contents.used += count
      return Array(part)
    }
  }

  private static func refill(_ contents: inout Block.Contents) throws(CryptoError) {
    OpenSSL.prepare()
    let block = try SecretBytes(count: blockLength)
    guard RAND_bytes(block.mutablePointer, Int32(blockLength)) == 1 else {
      OpenSSL.clearErrors()
      throw .entropyFailure
    }
    contents.bytes = consume block
    contents.used = 0
  }

  private static func fresh(_ count: Int) throws(CryptoError) -> [UInt8] {
    OpenSSL.prepare()
    var ok = false
    let drawn = [UInt8](unsafeUninitializedCapacity: count) { out, filled in
      ok = RAND_bytes(out.baseAddress, Int32(count)) == 1
      filled = ok ? count : 0
    }
    guard ok else {
      OpenSSL.clearErrors()
      throw .entropyFailure
    }
    return drawn
  }
}
