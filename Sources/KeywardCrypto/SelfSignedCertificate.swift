import COpenSSL

/// A throw-away P-256 key pair with a certificate that it signs itself, as a development server has.
package struct SelfSignedCertificate: ~Copyable {
  /// PEM.
  package let certificate: [UInt8]
  /// PEM (PKCS #8), not encrypted.
  package let key: SecretBytes

  /// Makes one for the names of `alternatives`, in OpenSSL's words: `DNS:localhost,IP:127.0.0.1`.
  ///
  /// It is no authority: who trusts it trusts this one server and nothing that its key might sign.
  /// It is valid from `start` to `end`, in seconds of Unix time.
  package static func make(
    commonName: String,
    alternatives: String,
    from start: Int64,
    to end: Int64
  ) throws(CryptoError) -> SelfSignedCertificate {
    let pair = try PrivateKey.generate(.p256)
    guard let certificate = X509_new() else { throw OpenSSL.failure("X509_new") }
    defer { X509_free(certificate) }
    var serial = try RandomSource.bytes(16)
    serial[0] = serial[0] & 0x7f | 0x40
    let number = BN_bin2bn(serial, Int32(serial.count), nil)
    defer { BN_free(number) }
    guard X509_set_version(certificate, 2) == 1,
      BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nil,
      ASN1_TIME_set(X509_getm_notBefore(certificate), Int(start)) != nil,
      ASN1_TIME_set(X509_getm_notAfter(certificate), Int(end)) != nil,
      X509_set_pubkey(certificate, pair.handle.pointer) == 1,
      let name = X509_get_subject_name(certificate),
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, commonName, -1, -1, 0) == 1,
      X509_set_issuer_name(certificate, name) == 1
    else { throw OpenSSL.failure("X509") }
    for (kind, value) in [
      (NID_basic_constraints, "critical,CA:FALSE"),
      (NID_key_usage, "critical,digitalSignature"),
      (NID_ext_key_usage, "serverAuth"),
      (NID_subject_alt_name, alternatives),
    ] {
      guard let addition = X509V3_EXT_conf_nid(nil, nil, kind, value) else {
        throw OpenSSL.failure("X509V3_EXT_conf_nid")
      }
      defer { X509_EXTENSION_free(addition) }
      guard X509_add_ext(certificate, addition, -1) == 1 else {
        throw OpenSSL.failure("X509_add_ext")
      }
    }
    let digest = try HashFunction.sha256.evp()
    guard X509_sign(certificate, pair.handle.pointer, digest) > 0 else {
      throw OpenSSL.failure("X509_sign")
    }
    let text = try pem { PEM_write_bio_X509($0, certificate) }
    let key = try pem {
      PEM_write_bio_PKCS8PrivateKey($0, pair.handle.pointer, nil, nil, 0, nil, nil)
    }
    return SelfSignedCertificate(certificate: text.revealed(), key: key)
  }

  /// What `write` puts into a buffer of OpenSSL's that is wiped afterwards.
  private static func pem(
    _ write: (OpaquePointer) -> Int32
  ) throws(CryptoError) -> SecretBytes {
    guard let buffer = BIO_new(BIO_s_secmem()) else { throw OpenSSL.failure("BIO_new") }
    defer { BIO_free(buffer) }
    guard write(buffer) == 1 else { throw OpenSSL.failure("PEM_write_bio") }
    let result = try SecretBytes(count: BIO_ctrl_pending(buffer))
    let count = BIO_read(buffer, result.mutablePointer, Int32(clamping: result.count))
    guard count == result.count else { throw OpenSSL.failure("BIO_read") }
    return result
  }
}
