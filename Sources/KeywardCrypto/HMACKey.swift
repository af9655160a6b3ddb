import COpenSSL

/// An HMAC key prepared once, for many messages from many threads (RFC 2104).
///
/// The two hash states that stand for the key are in the arena; a computation copies one to the
/// stack and wipes it.
package final class HMACKey: Sendable {
  package let function: HashFunction
  private let prepared: SecretBytes

  /// Prepares `key` for SHA-256, SHA-384 or SHA-512; another function is `invalidInput`.
  package init(_ function: HashFunction, key: borrowing SecretBytes) throws(CryptoError) {
    guard let bits = function.blockFunctionBits else {
      throw .invalidInput("HMAC is offered with SHA-256, SHA-384 and SHA-512")
    }
    self.function = function
    prepared = try SecretBytes(count: MemoryLayout<kw_hmac_key>.size)
    prepared.mutablePointer.withMemoryRebound(to: kw_hmac_key.self, capacity: 1) {
      kw_hmac_prepare($0, bits, key.pointer, key.count)
    }
  }

  /// The MAC of the parts one after the other.
  ///
  /// The parts are not framed: frame them where a boundary has meaning.
  package func authenticate(_ parts: [UInt8]...) -> [UInt8] {
    let length = function.digestLength
    return [UInt8](unsafeUninitializedCapacity: length) { out, count in
      compute(into: out) { work in
        for part in parts { kw_sha2_update(work, part, part.count) }
      }
      count = length
    }
  }

  /// The MAC of one message.
  package func authenticate(_ message: [UInt8]) -> [UInt8] {
    let length = function.digestLength
    return [UInt8](unsafeUninitializedCapacity: length) { out, count in
      compute(into: out) { kw_sha2_update($0, message, message.count) }
      count = length
    }
  }

  /// The MAC of one message as a key for the next step, as signatures of AWS derive theirs.
  package func derive(_ message: [UInt8]) throws(CryptoError) -> SecretBytes {
    let result = try SecretBytes(count: function.digestLength)
    let out = UnsafeMutableBufferPointer(start: result.mutablePointer, count: result.count)
    compute(into: out) { kw_sha2_update($0, message, message.count) }
    return result
  }

  /// The MAC of public bytes and of a part of a secret behind them, which is read where it is.
  ///
  /// A range outside the secret is `invalidInput`.
  package func authenticate(
    _ bytes: [UInt8],
    then secret: borrowing SecretBytes,
    range: Range<Int>
  ) throws(CryptoError) -> [UInt8] {
    guard range.lowerBound >= 0, range.upperBound <= secret.count else {
      throw .invalidInput("range outside the secret")
    }
    let length = function.digestLength
    let start = secret.pointer + range.lowerBound
    return [UInt8](unsafeUninitializedCapacity: length) { out, count in
      compute(into: out) { work in
        kw_sha2_update(work, bytes, bytes.count)
        kw_sha2_update(work, start, range.count)
      }
      count = length
    }
  }

  /// Compares the MAC of `message` with `tag`, which must have its full length, in constant time.
  package func verify(_ message: [UInt8], tag: [UInt8]) -> Bool {
    constantTimeEquals(authenticate(message), tag)
  }

  /// Writes the MAC of what `absorb` feeds into `out`, which has room for a digest.
  func compute(
    into out: UnsafeMutableBufferPointer<UInt8>,
    _ absorb: (UnsafeMutablePointer<kw_sha2>) -> Void
  ) {
    prepared.pointer.withMemoryRebound(to: kw_hmac_key.self, capacity: 1) { key in
      var work = key.pointee.inner
      absorb(&work)
      kw_hmac_finish(key, &work, out.baseAddress)
    }
  }
}
