import COpenSSL

/// Key derivation by HMAC (RFC 5869).
package enum HKDF {
  /// The most bytes one expansion gives, in digests.
  private static let maximumBlocks = 255

  /// Concentrates `key` into a pseudorandom key as long as a digest.
  ///
  /// An empty salt stands for a digest of zeros, as in the RFC.
  package static func extract(
    _ function: HashFunction,
    key: borrowing SecretBytes,
    salt: [UInt8]
  ) throws(CryptoError) -> SecretBytes {
    let extractor = try HMACKey(function, key: SecretBytes.fixture(salt))
    let result = try SecretBytes(count: function.digestLength)
    let out = UnsafeMutableBufferPointer(start: result.mutablePointer, count: result.count)
    extractor.compute(into: out) { kw_sha2_update($0, key.pointer, key.count) }
    return result
  }

  /// Expands a pseudorandom key to `count` bytes bound to `info`.
  package static func expand(
    _ function: HashFunction,
    prk: borrowing SecretBytes,
    info: [UInt8],
    count: Int
  ) throws(CryptoError) -> SecretBytes {
    let length = function.digestLength
    guard count >= 0, count <= maximumBlocks * length else {
      throw .invalidInput("HKDF gives at most 255 digests")
    }
    let expander = try HMACKey(function, key: prk)
    let blocks = (count + length - 1) / length
    // Whole blocks, the last one cut when it is copied out: no digest touches unlocked memory.
    let output = try SecretBytes(count: blocks * length)
    for block in 0..<blocks {
      let start = output.mutablePointer + block * length
      var counter = UInt8(block + 1)
      expander.compute(into: UnsafeMutableBufferPointer(start: start, count: length)) { work in
        if block > 0 { kw_sha2_update(work, start - length, length) }
        kw_sha2_update(work, info, info.count)
        kw_sha2_update(work, &counter, 1)
      }
    }
    return blocks * length == count ? output : try SecretBytes(copying: output, range: 0..<count)
  }

  /// Extracts, then expands.
  package static func derive(
    _ function: HashFunction,
    key: borrowing SecretBytes,
    salt: [UInt8],
    info: [UInt8],
    count: Int
  ) throws(CryptoError) -> SecretBytes {
    try expand(
      function,
      prk: extract(function, key: key, salt: salt),
      info: info,
      count: count
    )
  }
}
