import COpenSSL

/// Keyward's encryption of messages: encrypt, then MAC, with keys of their own for each message.
///
///     enc ‖ mac = HKDF-Expand-SHA-256(key, "keyward/v1/message/" ‖ cipher ‖ salt, |enc| + 32)
///     body      = cipher(enc, zero IV, plaintext)
///     tag       = HMAC-SHA-256(mac, u64be(|aad|) ‖ aad ‖ body)
///
/// The 24-byte salt is drawn at random for each message, so the derived keys are used once and the
/// zero IV cannot repeat: 2^80 messages under a key leave a collision a chance of 2^-32. The tag is
/// collision resistant, so it commits to key and associated data: no ciphertext opens under two keys
/// (the flaw of GCM behind CVE-2020-8897). A key shorter than 32 bytes is first extracted (RFC 5869
/// §2.2, no salt). There is no nonce argument for a caller to get wrong but the salt, which
/// `newSalt()` makes.
package enum CommittingAEAD {
  /// The stream ciphers offered.
  package enum Cipher: Sendable, CaseIterable {
    case aes128CTR
    case aes256CTR
    case chacha20

    /// The length of a key in bytes.
    package var keyLength: Int { self == .aes128CTR ? 16 : 32 }

    /// The name in the derivation label.
    package var name: String {
      switch self {
      case .aes128CTR: "aes-128-ctr"
      case .aes256CTR: "aes-256-ctr"
      case .chacha20: "chacha20"
      }
    }

    fileprivate var pool: CipherPool {
      switch self {
      case .aes128CTR: .aes128CTR
      case .aes256CTR: .aes256CTR
      case .chacha20: .chacha20
      }
    }

    fileprivate var label: [UInt8] {
      switch self {
      case .aes128CTR: Self.labels.0
      case .aes256CTR: Self.labels.1
      case .chacha20: Self.labels.2
      }
    }

    private static let labels = (
      Array("keyward/v1/message/aes-128-ctr".utf8), Array("keyward/v1/message/aes-256-ctr".utf8),
      Array("keyward/v1/message/chacha20".utf8)
    )
  }

  package static let saltLength = 24
  package static let tagLength = 32
  /// The most plaintext bytes of a message.
  package static let maximumLength = 1 << 30

  /// Draws a fresh salt, of which every message needs its own.
  package static func newSalt() throws(CryptoError) -> [UInt8] {
    try RandomSource.bytes(saltLength)
  }

  /// Encrypts to body and tag in one, 32 bytes longer than the plaintext.
  package static func seal(
    _ cipher: Cipher,
    key: borrowing SecretBytes,
    salt: [UInt8],
    aad: [UInt8],
    plaintext: borrowing SecretBytes
  ) throws(CryptoError) -> [UInt8] {
    let length = plaintext.count
    guard length <= maximumLength else { throw .invalidInput("length") }
    let keys = try MessageKeys(cipher, key: key, salt: salt)
    var failure: CryptoError?
    let sealed = [UInt8](unsafeUninitializedCapacity: length + tagLength) { out, count in
      guard let start = out.baseAddress else { return }
      do throws(CryptoError) {
        try keys.stream(plaintext.pointer, length, into: start)
        keys.tag(aad: aad, body: start, length, into: start + length)
        count = length + tagLength
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return sealed
  }

  /// Checks the tag in constant time, then decrypts; any failure is `authenticationFailed`.
  package static func open(
    _ cipher: Cipher,
    key: borrowing SecretBytes,
    salt: [UInt8],
    aad: [UInt8],
    ciphertext: [UInt8]
  ) throws(CryptoError) -> SecretBytes {
    let length = ciphertext.count - tagLength
    guard length >= 0, length <= maximumLength else { throw .authenticationFailed }
    let keys = try MessageKeys(cipher, key: key, salt: salt)
    let plaintext = try SecretBytes(count: length)
    let genuine = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: tagLength) { expected in
      ciphertext.withUnsafeBufferPointer { bytes in
        guard let start = bytes.baseAddress, let tag = expected.baseAddress else { return false }
        keys.tag(aad: aad, body: start, length, into: tag)
        return CRYPTO_memcmp(tag, start + length, tagLength) == 0
      }
    }
    guard genuine else { throw .authenticationFailed }
    try keys.stream(ciphertext, length, into: plaintext.mutablePointer)
    return plaintext
  }

  /// The two keys of one message.
  private struct MessageKeys: ~Copyable {
    private let cipher: Cipher
    private let keys: SecretBytes
    private let mac: HMACKey

    init(_ cipher: Cipher, key: borrowing SecretBytes, salt: [UInt8]) throws(CryptoError) {
      guard key.count == cipher.keyLength else { throw .invalidKey("key length") }
      guard salt.count == saltLength else { throw .invalidInput("salt length") }
      let info = cipher.label + salt
      let length = cipher.keyLength
      let both =
        key.count < 32
        ? try HKDF.derive(.sha256, key: key, salt: [], info: info, count: length + 32)
        : try HKDF.expand(.sha256, prk: key, info: info, count: length + 32)
      let mac = try HMACKey(.sha256, key: SecretBytes(copying: both, range: length..<length + 32))
      self.cipher = cipher
      self.keys = both
      self.mac = mac
    }

    /// Encrypts or decrypts: a stream cipher does not tell them apart.
    borrowing func stream(
      _ input: UnsafePointer<UInt8>,
      _ length: Int,
      into output: UnsafeMutablePointer<UInt8>
    ) throws(CryptoError) {
      let key = keys.pointer
      let done = try cipher.pool.withContext { context in
        var written: Int32 = 0
        return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2) { zeroIV in
          zeroIV.initialize(repeating: 0)
          return EVP_EncryptInit_ex2(context, nil, key, zeroIV.baseAddress, nil) == 1
            && EVP_EncryptUpdate(context, output, &written, input, Int32(length)) == 1
        }
      }
      guard done else { throw OpenSSL.failure("EVP_EncryptUpdate") }
    }

    borrowing func tag(
      aad: [UInt8],
      body: UnsafePointer<UInt8>,
      _ length: Int,
      into output: UnsafeMutablePointer<UInt8>
    ) {
      mac.compute(into: UnsafeMutableBufferPointer(start: output, count: tagLength)) { work in
        var count = UInt64(aad.count).bigEndian
        kw_sha2_update(work, &count, 8)
        kw_sha2_update(work, aad, aad.count)
        kw_sha2_update(work, body, length)
      }
    }
  }
}
