import CKeywardShims
import COpenSSL

/// Private keys under a password: EncryptedPrivateKeyInfo (RFC 5958 §3) and PKCS #12 (RFC 7292).
package enum PasswordFiles {
  /// The rounds of PBKDF2 (OWASP's figure for HMAC-SHA-256).
  package static let rounds: Int32 = 600_000
  package static let passwordLengths = 8...1024

  /// Encrypts a DER PrivateKeyInfo with PBES2: PBKDF2 with HMAC-SHA-256, AES-256-CBC.
  package static func encryptedPKCS8(
    _ der: borrowing SecretBytes,
    password: borrowing SecretBytes
  ) throws(CryptoError) -> [UInt8] {
    try check(password)
    OpenSSL.prepare()
    defer { kw_scrub_stack() }
    var next: UnsafePointer<UInt8>? = der.pointer
    guard let info = d2i_PKCS8_PRIV_KEY_INFO(nil, &next, der.count) else {
      OpenSSL.clearErrors()
      throw .invalidKey("not a PKCS #8 private key")
    }
    defer { PKCS8_PRIV_KEY_INFO_free(info) }
    var salt = try RandomSource.bytes(16)
    let length = Int32(salt.count)
    let count = Int32(password.count)
    let sealed = password.withUnsafeBytes { bytes in
      PKCS8_encrypt(
        -1,
        EVP_aes_256_cbc(),
        bytes.bindMemory(to: CChar.self).baseAddress,
        count,
        &salt,
        length,
        rounds,
        info
      )
    }
    guard let sealed else { throw OpenSSL.failure("PKCS8_encrypt") }
    defer { X509_SIG_free(sealed) }
    let file = try encoded { i2d_X509_SIG(sealed, $0) }
    // Opened before it is given away: a file that does not open is a key that is lost.
    guard try openPKCS8(file, password: password).constantTimeEquals(der) else {
      throw .selfTestFailed("PKCS #8")
    }
    return file
  }

  /// Puts a key pair and a certificate for it into a PKCS #12 file.
  ///
  /// AES-256-CBC by PBES2 for key and certificate, HMAC-SHA-256 over the whole. Without `certificate`
  /// it gets one that it signs itself, since most programs find a key by its certificate; X25519 keys
  /// cannot sign. `from` and `to` are its seconds of Unix time.
  package static func pkcs12(
    _ key: PrivateKey,
    name: String,
    certificate: Certificate?,
    from start: Int64,
    to end: Int64,
    password: borrowing SecretBytes
  ) throws(CryptoError) -> [UInt8] {
    try check(password)
    guard key.algorithm != .x25519 || certificate != nil else {
      throw .invalidInput("an X25519 key has no certificate of its own")
    }
    OpenSSL.prepare()
    defer { kw_scrub_stack() }
    let own = certificate == nil ? try selfSigned(key, name, start, end) : nil
    defer { X509_free(own) }
    guard let holder = certificate?.pointer ?? own,
      X509_check_private_key(holder, key.handle.pointer) == 1
    else {
      OpenSSL.clearErrors()
      throw .invalidInput("the certificate is not for this key")
    }
    // OpenSSL wants a C string.
    var text = try SecretBytes(count: password.count + 1)
    password.withUnsafeBytes { source in text.withUnsafeMutableBytes { $0.copyMemory(from: source) }
    }
    let file = text.withUnsafeBytes { bytes in
      PKCS12_create(
        bytes.bindMemory(to: CChar.self).baseAddress,
        name,
        key.handle.pointer,
        holder,
        nil,
        NID_aes_256_cbc,
        NID_aes_256_cbc,
        rounds,
        rounds,
        0
      )
    }
    guard let file else { throw OpenSSL.failure("PKCS12_create") }
    defer { PKCS12_free(file) }
    let bytes = try encoded { i2d_PKCS12(file, $0) }
    let opened = try openPKCS12(bytes, password: password, expecting: key.algorithm)
    guard try opened.publicKey().spki() == key.publicKey().spki() else {
      throw .selfTestFailed("PKCS #12")
    }
    return bytes
  }

  private static func check(_ password: borrowing SecretBytes) throws(CryptoError) {
    let hasNUL = password.withUnsafeBytes { $0.contains(0) }
    guard passwordLengths.contains(password.count), !hasNUL else {
      throw .invalidInput("a password has 8 to 1024 bytes, none of them zero")
    }
  }

  private static func selfSigned(
    _ key: PrivateKey,
    _ commonName: String,
    _ start: Int64,
    _ end: Int64
  ) throws(CryptoError) -> OpaquePointer {
    guard let certificate = X509_new() else { throw OpenSSL.failure("X509_new") }
    var serial = try RandomSource.bytes(16)
    serial[0] = serial[0] & 0x7f | 0x40
    let number = BN_bin2bn(serial, Int32(serial.count), nil)
    defer { BN_free(number) }
    let digest = key.algorithm == .ed25519 ? nil : try HashFunction.sha256.evp()
    // A common name has at most 64 characters (RFC 5280 appendix A).
    let name = String(commonName.prefix(64))
    guard X509_set_version(certificate, 2) == 1,
      BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nil,
      ASN1_TIME_set(X509_getm_notBefore(certificate), Int(start)) != nil,
      ASN1_TIME_set(X509_getm_notAfter(certificate), Int(end)) != nil,
      X509_set_pubkey(certificate, key.handle.pointer) == 1,
      let subject = X509_get_subject_name(certificate),
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, -1, -1, 0) == 1,
      X509_set_issuer_name(certificate, subject) == 1,
      X509_sign(certificate, key.handle.pointer, digest) > 0
    else {
      X509_free(certificate)
      throw OpenSSL.failure("X509_sign")
    }
    return certificate
  }

  /// What an `i2d` function writes.
  private static func encoded(
    _ write: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32
  ) throws(CryptoError) -> [UInt8] {
    let length = write(nil)
    guard length > 0 else { throw OpenSSL.failure("i2d") }
    var out = [UInt8](repeating: 0, count: Int(length))
    let written = out.withUnsafeMutableBufferPointer { buffer in
      var next = buffer.baseAddress
      return write(&next)
    }
    guard written == length else { throw OpenSSL.failure("i2d") }
    return out
  }
}
