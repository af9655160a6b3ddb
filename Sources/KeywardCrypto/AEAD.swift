import COpenSSL

/// Authenticated encryption with a nonce that the caller answers for (SP 800-38D, RFC 8439).
///
/// A nonce must never repeat under a key. None of these commits to its key: a ciphertext can be made
/// that opens under two. For messages use `CommittingAEAD`, which has neither burden.
package enum AEAD {
  /// The ciphers offered; all have a 12-byte nonce and a 16-byte tag.
  package enum Algorithm: Sendable, CaseIterable {
    case aes128GCM
    case aes256GCM
    case chacha20Poly1305

    /// The length of a key in bytes.
    package var keyLength: Int { self == .aes128GCM ? 16 : 32 }

    var pool: CipherPool {
      switch self {
      case .aes128GCM: .aes128GCM
      case .aes256GCM: .aes256GCM
      case .chacha20Poly1305: .chacha20Poly1305
      }
    }
  }

  package static let nonceLength = 12
  package static let tagLength = 16
  /// The most plaintext bytes a call takes; OpenSSL counts in 32-bit integers.
  package static let maximumLength = 1 << 30

  /// Encrypts to ciphertext and tag in one.
  package static func seal(
    _ algorithm: Algorithm,
    key: borrowing SecretBytes,
    nonce: [UInt8],
    aad: [UInt8],
    plaintext: borrowing SecretBytes
  ) throws(CryptoError) -> [UInt8] {
    let length = plaintext.count + tagLength
    var failure: CryptoError?
    let sealed = [UInt8](unsafeUninitializedCapacity: length) { out, count in
      do throws(CryptoError) {
        try seal(
          algorithm,
          key: key,
          nonce: nonce,
          aad: aad,
          plaintext: plaintext.pointer,
          plaintext.count,
          into: out
        )
        count = length
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return sealed
  }

  /// Decrypts ciphertext and tag in one; any failure is `authenticationFailed`.
  package static func open(
    _ algorithm: Algorithm,
    key: borrowing SecretBytes,
    nonce: [UInt8],
    aad: [UInt8],
    ciphertext: [UInt8]
  ) throws(CryptoError) -> SecretBytes {
    guard ciphertext.count >= tagLength else { throw .authenticationFailed }
    let plaintext = try SecretBytes(count: ciphertext.count - tagLength)
    try open(
      algorithm,
      key: key,
      nonce: nonce,
      aad: aad,
      ciphertext: ciphertext,
      ciphertext.count,
      into: plaintext.mutablePointer
    )
    return plaintext
  }

  /// Encrypts into `output`, which must be as long as the plaintext and a tag.
  package static func seal(
    _ algorithm: Algorithm,
    key: borrowing SecretBytes,
    nonce: [UInt8],
    aad: [UInt8],
    plaintext: UnsafeRawBufferPointer,
    into output: UnsafeMutableRawBufferPointer
  ) throws(CryptoError) {
    guard output.count == plaintext.count + tagLength else { throw .invalidInput("output length") }
    try seal(
      algorithm,
      key: key,
      nonce: nonce,
      aad: aad,
      plaintext: plaintext.bindMemory(to: UInt8.self).baseAddress,
      plaintext.count,
      into: output.bindMemory(to: UInt8.self)
    )
  }

  /// Decrypts into `output`, which must be a tag shorter than the ciphertext; on failure it is
  /// zeros.
  package static func open(
    _ algorithm: Algorithm,
    key: borrowing SecretBytes,
    nonce: [UInt8],
    aad: [UInt8],
    ciphertext: UnsafeRawBufferPointer,
    into output: UnsafeMutableRawBufferPointer
  ) throws(CryptoError) {
    guard ciphertext.count >= tagLength else { throw .authenticationFailed }
    guard output.count == ciphertext.count - tagLength else { throw .invalidInput("output length") }
    let start = ciphertext.bindMemory(to: UInt8.self)
    guard let bytes = start.baseAddress else { throw .authenticationFailed }
    try open(
      algorithm,
      key: key,
      nonce: nonce,
      aad: aad,
      ciphertext: bytes,
      ciphertext.count,
      into: output.bindMemory(to: UInt8.self).baseAddress
    )
  }

  private static func seal(
    _ algorithm: Algorithm,
    key: borrowing SecretBytes,
    nonce: [UInt8],
    aad: [UInt8],
    plaintext: UnsafePointer<UInt8>?,
    _ length: Int,
    into out: UnsafeMutableBufferPointer<UInt8>
  ) throws(CryptoError) {
    try check(algorithm, key: key, nonce: nonce, aad: aad, length: length)
    let keyBytes = key.pointer
    let sealed = try algorithm.pool.withContext { context in
      var written: Int32 = 0
      guard
        EVP_EncryptInit_ex2(context, nil, keyBytes, nonce, nil) == 1,
        absorb(aad, context),
        EVP_EncryptUpdate(context, out.baseAddress, &written, plaintext, Int32(length)) == 1,
        EVP_EncryptFinal_ex(context, out.baseAddress.map { $0 + length }, &written) == 1
      else { return false }
      return EVP_CIPHER_CTX_ctrl(
        context,
        EVP_CTRL_AEAD_GET_TAG,
        Int32(tagLength),
        out.baseAddress.map { $0 + length }
      ) == 1
    }
    guard sealed else { throw OpenSSL.failure("EVP_EncryptUpdate") }
  }

  private static func open(
    _ algorithm: Algorithm,
    key: borrowing SecretBytes,
    nonce: [UInt8],
    aad: [UInt8],
    ciphertext: UnsafePointer<UInt8>,
    _ total: Int,
    into out: UnsafeMutablePointer<UInt8>?
  ) throws(CryptoError) {
    let length = total - tagLength
    try check(algorithm, key: key, nonce: nonce, aad: aad, length: length)
    let keyBytes = key.pointer
    let opened = try algorithm.pool.withContext { context in
      var written: Int32 = 0
      let tag = UnsafeMutableRawPointer(mutating: ciphertext + length)
      return EVP_DecryptInit_ex2(context, nil, keyBytes, nonce, nil) == 1
        && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tagLength), tag) == 1
        && absorb(aad, context)
        && EVP_DecryptUpdate(context, out, &written, ciphertext, Int32(length)) == 1
        && EVP_DecryptFinal_ex(context, out.map { $0 + length }, &written) == 1
    }
    guard opened else {
      OPENSSL_cleanse(out, length)
      OpenSSL.clearErrors()
      throw .authenticationFailed
    }
  }

  private static func absorb(_ aad: [UInt8], _ context: OpaquePointer) -> Bool {
    var written: Int32 = 0
    return aad.isEmpty || EVP_CipherUpdate(context, nil, &written, aad, Int32(aad.count)) == 1
  }

  private static func check(
    _ algorithm: Algorithm,
    key: borrowing SecretBytes,
    nonce: [UInt8],
    aad: [UInt8],
    length: Int
  ) throws(CryptoError) {
    guard key.count == algorithm.keyLength else { throw .invalidKey("key length") }
    guard nonce.count == nonceLength else { throw .invalidInput("nonce length") }
    guard length <= maximumLength, aad.count <= maximumLength else { throw .invalidInput("length") }
  }
}
