import COpenSSL
import Synchronization

/// Random bytes that may be public, such as salts, identifiers and nonces.
///
/// Keys come from `SecretBytes.random`.
package enum RandomSource {
  /// Draws `count` bytes with `RAND_bytes`.
  package static func bytes(_ count: Int) throws(CryptoError) -> [UInt8] {
    guard count >= 0, count <= Int(Int32.max) else { throw .invalidInput("length") }
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
