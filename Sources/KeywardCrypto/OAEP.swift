import CKeywardShims
import COpenSSL

// RSAES-OAEP (RFC 8017 §7.1). There is no PKCS #1 v1.5 decryption: its padding is an oracle.

extension PublicKey {
  /// Encrypts at most modulus − 2 · digest − 2 bytes; `mgf1` is `hash` unless given.
  package func encryptOAEP(
    hash: HashFunction = .sha256,
    mgf1: HashFunction? = nil,
    label: [UInt8] = [],
    plaintext: borrowing SecretBytes
  ) throws(CryptoError) -> [UInt8] {
    guard algorithm.isRSA else { throw .invalidInput("OAEP needs an RSA key") }
    let size = Int(EVP_PKEY_get_size(handle.pointer))
    guard plaintext.count <= size - 2 * hash.digestLength - 2 else {
      throw .invalidInput("too long for OAEP with this key")
    }
    let bytes = plaintext.pointer
    let count = plaintext.count
    return try handle.withContext { context throws(CryptoError) in
      guard EVP_PKEY_encrypt_init(context) == 1 else {
        throw OpenSSL.failure("EVP_PKEY_encrypt_init")
      }
      try OAEP.configure(context, hash: hash, mgf1: mgf1 ?? hash, label: label)
      var length = size
      var ciphertext = [UInt8](repeating: 0, count: size)
      guard EVP_PKEY_encrypt(context, &ciphertext, &length, bytes, count) == 1, length == size
      else { throw OpenSSL.failure("EVP_PKEY_encrypt") }
      return ciphertext
    }
  }
}

extension PrivateKey {
  /// Decrypts; whatever is wrong with the ciphertext is `authenticationFailed`.
  package func decryptOAEP(
    hash: HashFunction = .sha256,
    mgf1: HashFunction? = nil,
    label: [UInt8] = [],
    ciphertext: [UInt8]
  ) throws(CryptoError) -> SecretBytes {
    guard algorithm.isRSA else { throw .invalidInput("OAEP needs an RSA key") }
    let size = Int(EVP_PKEY_get_size(handle.pointer))
    guard ciphertext.count == size else { throw .authenticationFailed }
    defer { kw_scrub_stack() }
    let buffer = try SecretBytes(count: size)
    let output = buffer.mutablePointer
    let length = try handle.withContext { context throws(CryptoError) in
      guard EVP_PKEY_decrypt_init(context) == 1 else {
        throw OpenSSL.failure("EVP_PKEY_decrypt_init")
      }
      try OAEP.configure(context, hash: hash, mgf1: mgf1 ?? hash, label: label)
      var length = size
      guard EVP_PKEY_decrypt(context, output, &length, ciphertext, size) == 1 else {
        OpenSSL.clearErrors()
        throw .authenticationFailed
      }
      return length
    }
    return try SecretBytes(copying: buffer, range: 0..<length)
  }
}

private enum OAEP {
  static func configure(
    _ context: OpaquePointer,
    hash: HashFunction,
    mgf1: HashFunction,
    label: [UInt8]
  ) throws(CryptoError) {
    guard EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1,
      EVP_PKEY_CTX_set_rsa_oaep_md(context, try hash.evp()) == 1,
      EVP_PKEY_CTX_set_rsa_mgf1_md(context, try mgf1.evp()) == 1
    else { throw OpenSSL.failure("EVP_PKEY_CTX_set_rsa_oaep_md") }
    guard !label.isEmpty else { return }
    // OpenSSL takes over the copy when the call succeeds.
    guard let copy = CRYPTO_memdup(label, label.count, #file, #line) else {
      throw .outOfSecureMemory
    }
    guard EVP_PKEY_CTX_set0_rsa_oaep_label(context, copy, Int32(label.count)) == 1 else {
      CRYPTO_free(copy, #file, #line)
      throw OpenSSL.failure("EVP_PKEY_CTX_set0_rsa_oaep_label")
    }
  }
}
