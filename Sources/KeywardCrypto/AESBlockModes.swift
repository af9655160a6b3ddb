import COpenSSL

/// AES-CBC with PKCS #7 padding: only for formats of others that ask for it, never for our own.
package enum AESCBC {
  /// Encrypts; the key has 16, 24 or 32 bytes, the IV 16 that do not repeat.
  package static func encrypt(
    key: borrowing SecretBytes,
    iv: [UInt8],
    _ plaintext: [UInt8]
  ) throws(CryptoError) -> [UInt8] {
    guard iv.count == 16 else { throw .invalidInput("IV length") }
    let name = try AESName.of(key, "CBC")
    return try AESBlock.run(name, key: key, iv: iv, plaintext, tagLength: 0)
  }
}

/// AES-GCM with keys of all three sizes, for formats of others.
package enum AESGCMBlock {
  /// Encrypts to ciphertext and tag; the key has 16, 24 or 32 bytes, the IV 12 that do not repeat.
  package static func encrypt(
    key: borrowing SecretBytes,
    iv: [UInt8],
    _ plaintext: [UInt8]
  ) throws(CryptoError) -> [UInt8] {
    guard iv.count == 12 else { throw .invalidInput("IV length") }
    let name = try AESName.of(key, "GCM")
    return try AESBlock.run(name, key: key, iv: iv, plaintext, tagLength: 16)
  }
}

private enum AESName {
  static func of(_ key: borrowing SecretBytes, _ mode: String) throws(CryptoError) -> String {
    guard [16, 24, 32].contains(key.count) else { throw .invalidKey("not an AES key") }
    return "AES-\(key.count * 8)-\(mode)"
  }
}

private enum AESBlock {
  static func run(
    _ name: String,
    key: borrowing SecretBytes,
    iv: [UInt8],
    _ plaintext: [UInt8],
    tagLength: Int
  ) throws(CryptoError) -> [UInt8] {
    OpenSSL.prepare()
    guard plaintext.count <= 1 << 20 else { throw .invalidInput("too long") }
    guard let cipher = EVP_CIPHER_fetch(nil, name, nil), let context = EVP_CIPHER_CTX_new() else {
      throw OpenSSL.failure("EVP_CIPHER_fetch")
    }
    defer {
      EVP_CIPHER_CTX_free(context)
      EVP_CIPHER_free(cipher)
    }
    var out = [UInt8](repeating: 0, count: plaintext.count + 16)
    var written: Int32 = 0
    var last: Int32 = 0
    let keyBytes = key.pointer
    let ok = out.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress,
        EVP_EncryptInit_ex2(context, cipher, keyBytes, iv, nil) == 1,
        EVP_EncryptUpdate(context, start, &written, plaintext, Int32(plaintext.count)) == 1
      else { return false }
      return EVP_EncryptFinal_ex(context, start + Int(written), &last) == 1
    }
    guard ok else { throw OpenSSL.failure("EVP_EncryptFinal_ex") }
    out.removeLast(out.count - Int(written + last))
    guard tagLength > 0 else { return out }
    var tag = [UInt8](repeating: 0, count: tagLength)
    guard
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tagLength), &tag) == 1
    else { throw OpenSSL.failure("EVP_CIPHER_CTX_ctrl") }
    return out + tag
  }
}
