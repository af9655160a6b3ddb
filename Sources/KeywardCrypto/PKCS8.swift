import COpenSSL

/// The DER form of private keys (RFC 5208), read strictly.
enum PKCS8 {
  /// The longest form accepted: RSA of 8192 bits takes 4.7 KB.
  private static let maximumLength = 8192

  /// Parses exactly one PrivateKeyInfo.
  static func parse(_ bytes: borrowing SecretBytes) throws(CryptoError) -> KeyHandle {
    guard bytes.count <= maximumLength else { throw .invalidKey("too long") }
    var next: UnsafePointer<UInt8>? = bytes.pointer
    let info = d2i_PKCS8_PRIV_KEY_INFO(nil, &next, bytes.count)
    defer { PKCS8_PRIV_KEY_INFO_free(info) }
    guard let info, next == bytes.pointer + bytes.count else {
      OpenSSL.clearErrors()
      throw .invalidKey("not a PKCS #8 private key")
    }
    try checkInside(info)
    guard let key = EVP_PKCS82PKEY_ex(info, nil, nil) else {
      OpenSSL.clearErrors()
      throw .invalidKey("not a private key of an algorithm on offer")
    }
    return KeyHandle(owning: key)
  }

  /// Refuses attributes, explicit curves, and bytes after the inner key, which OpenSSL ignores.
  private static func checkInside(_ info: OpaquePointer) throws(CryptoError) {
    var inner: UnsafePointer<UInt8>?
    var innerLength: Int32 = 0
    var identifier: UnsafePointer<X509_ALGOR>?
    guard PKCS8_pkey_get0(nil, &inner, &innerLength, &identifier, info) == 1, let inner else {
      throw OpenSSL.failure("PKCS8_pkey_get0")
    }
    if let attributes = PKCS8_pkey_get0_attrs(info), OPENSSL_sk_num(attributes) > 0 {
      throw .invalidKey("attributes")
    }
    var next: UnsafePointer<UInt8>? = inner
    var length = 0
    var tag: Int32 = 0
    var tagClass: Int32 = 0
    let flags = ASN1_get_object(&next, &length, &tag, &tagClass, Int(innerLength))
    // 0x80: malformed; 0x01: indefinite length, which is BER.
    guard flags & 0x81 == 0, let next, next + length == inner + Int(innerLength) else {
      OpenSSL.clearErrors()
      throw .invalidKey("bytes after the key")
    }
    var parameterType: Int32 = 0
    var object: OpaquePointer?
    X509_ALGOR_get0(&object, &parameterType, nil, identifier)
    guard parameterType != V_ASN1_SEQUENCE else { throw .invalidKey("not a named curve") }
  }

  /// Refuses a second spelling of the same key, where there is one right spelling: for curves the
  /// public point and the parameters inside are optional.
  static func checkCanonical(
    _ bytes: borrowing SecretBytes,
    of key: borrowing PrivateKey
  ) throws(CryptoError) {
    guard !key.algorithm.isEllipticCurve else { return }
    let encoded = try key.pkcs8()
    guard encoded.constantTimeEquals(bytes) else { throw .invalidKey("not canonical DER") }
  }

  /// Writes the PrivateKeyInfo straight into the arena.
  static func encode(_ handle: KeyHandle) throws(CryptoError) -> SecretBytes {
    guard let info = EVP_PKEY2PKCS8(handle.pointer) else {
      throw OpenSSL.failure("EVP_PKEY2PKCS8")
    }
    defer { PKCS8_PRIV_KEY_INFO_free(info) }
    return try der(of: info)
  }

  /// The DER of a PrivateKeyInfo, straight into the arena.
  static func der(of info: OpaquePointer) throws(CryptoError) -> SecretBytes {
    let length = i2d_PKCS8_PRIV_KEY_INFO(info, nil)
    guard length > 0 else { throw OpenSSL.failure("i2d_PKCS8_PRIV_KEY_INFO") }
    let result = try SecretBytes(count: Int(length))
    var next: UnsafeMutablePointer<UInt8>? = result.mutablePointer
    guard i2d_PKCS8_PRIV_KEY_INFO(info, &next) == length else {
      throw OpenSSL.failure("i2d_PKCS8_PRIV_KEY_INFO")
    }
    return result
  }
}
