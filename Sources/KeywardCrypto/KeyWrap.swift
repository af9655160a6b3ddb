import COpenSSL

/// Wrapping of keys by AES, without a nonce (SP 800-38F; RFC 3394 and RFC 5649).
package enum KeyWrap {
  /// The longest key that is wrapped, in bytes.
  package static let maximumLength = 1 << 20

  /// Wraps with AES-KW: the key has 16 bytes or more, in whole 8-byte blocks.
  ///
  /// OpenSSL lets an empty key through, so lengths are checked here.
  package static func wrap(
    kek: borrowing SecretBytes,
    _ key: borrowing SecretBytes
  ) throws(CryptoError) -> [UInt8] {
    guard key.count >= 16, key.count <= maximumLength, key.count % 8 == 0 else {
      throw .invalidInput("AES-KW wraps 16 bytes or more, a multiple of 8")
    }
    return try seal(pool(kek.count), kek: kek, key, length: key.count + 8)
  }

  /// Unwraps AES-KW; a ciphertext that was not made with `kek` is `authenticationFailed`.
  package static func unwrap(
    kek: borrowing SecretBytes,
    _ wrapped: [UInt8]
  ) throws(CryptoError) -> SecretBytes {
    let pool = try pool(kek.count)
    guard wrapped.count >= 24, wrapped.count <= maximumLength + 8, wrapped.count % 8 == 0 else {
      throw .authenticationFailed
    }
    return try open(pool, kek: kek, wrapped, wrapped.count - 8...wrapped.count - 8)
  }

  /// Wraps with AES-KWP: the key has any length but zero.
  package static func wrapPadded(
    kek: borrowing SecretBytes,
    _ key: borrowing SecretBytes
  ) throws(CryptoError) -> [UInt8] {
    guard key.count >= 1, key.count <= maximumLength else {
      throw .invalidInput("AES-KWP wraps 1 byte or more")
    }
    let length = (key.count + 7) / 8 * 8 + 8
    return try seal(paddedPool(kek.count), kek: kek, key, length: length)
  }

  /// Unwraps AES-KWP; a ciphertext that was not made with `kek` is `authenticationFailed`.
  package static func unwrapPadded(
    kek: borrowing SecretBytes,
    _ wrapped: [UInt8]
  ) throws(CryptoError) -> SecretBytes {
    let pool = try paddedPool(kek.count)
    guard wrapped.count >= 16, wrapped.count <= maximumLength + 8, wrapped.count % 8 == 0 else {
      throw .authenticationFailed
    }
    return try open(pool, kek: kek, wrapped, wrapped.count - 15...wrapped.count - 8)
  }

  private static func pool(_ kekLength: Int) throws(CryptoError) -> CipherPool {
    switch kekLength {
    case 16: .aes128Wrap
    case 24: .aes192Wrap
    case 32: .aes256Wrap
    default: throw .invalidKey("a key encryption key has 16, 24 or 32 bytes")
    }
  }

  private static func paddedPool(_ kekLength: Int) throws(CryptoError) -> CipherPool {
    switch kekLength {
    case 16: .aes128WrapPad
    case 24: .aes192WrapPad
    case 32: .aes256WrapPad
    default: throw .invalidKey("a key encryption key has 16, 24 or 32 bytes")
    }
  }

  private static func seal(
    _ pool: CipherPool,
    kek: borrowing SecretBytes,
    _ key: borrowing SecretBytes,
    length: Int
  ) throws(CryptoError) -> [UInt8] {
    let kekBytes = kek.pointer
    let keyBytes = key.pointer
    let keyLength = Int32(key.count)
    var wrapped = [UInt8](repeating: 0, count: length + 16)
    let sealed = try pool.withContext { context in
      var written: Int32 = 0
      return EVP_EncryptInit_ex2(context, nil, kekBytes, nil, nil) == 1
        && EVP_EncryptUpdate(context, &wrapped, &written, keyBytes, keyLength) == 1
        && Int(written) == length
    }
    guard sealed else { throw OpenSSL.failure("EVP_EncryptUpdate") }
    wrapped.removeLast(16)
    return wrapped
  }

  private static func open(
    _ pool: CipherPool,
    kek: borrowing SecretBytes,
    _ wrapped: [UInt8],
    _ lengths: ClosedRange<Int>
  ) throws(CryptoError) -> SecretBytes {
    let kekBytes = kek.pointer
    // OpenSSL wants room for the padding as well.
    let buffer = try SecretBytes(count: wrapped.count + 16)
    let output = buffer.mutablePointer
    var written: Int32 = 0
    let opened = try pool.withContext { context in
      EVP_DecryptInit_ex2(context, nil, kekBytes, nil, nil) == 1
        && EVP_DecryptUpdate(context, output, &written, wrapped, Int32(wrapped.count)) == 1
    }
    guard opened, lengths.contains(Int(written)) else {
      OpenSSL.clearErrors()
      throw .authenticationFailed
    }
    return try SecretBytes(copying: buffer, range: 0..<Int(written))
  }
}
