import COpenSSL

/// The public half of a key pair.
package final class PublicKey: Sendable {
  package let algorithm: AsymmetricAlgorithm
  let handle: KeyHandle

  /// Parses a DER SubjectPublicKeyInfo (RFC 5280 §4.1).
  ///
  /// Strict: what encodes back to other bytes is refused, and with it trailing bytes, BER, explicit
  /// curve parameters and compressed points. RSA needs 2048 to 8192 bits and an odd exponent of
  /// 65537 or more; a point must be on its curve.
  package convenience init(spki: [UInt8]) throws(CryptoError) {
    OpenSSL.prepare()
    guard spki.count <= 4096 else { throw .invalidKey("too long") }
    var parsed: OpaquePointer?
    spki.withUnsafeBufferPointer { bytes in
      var next = bytes.baseAddress
      parsed = d2i_PUBKEY_ex(nil, &next, bytes.count, nil, nil)
    }
    guard let parsed else {
      OpenSSL.clearErrors()
      throw .invalidKey("not a SubjectPublicKeyInfo")
    }
    try self.init(checking: KeyHandle(owning: parsed))
    guard try self.spki() == spki else { throw .invalidKey("not canonical DER") }
  }

  /// Parses the raw form: 32 bytes for Ed25519 and X25519, an uncompressed point for a curve.
  package convenience init(
    raw: [UInt8],
    _ algorithm: AsymmetricAlgorithm
  ) throws(CryptoError) {
    OpenSSL.prepare()
    let made: OpaquePointer?
    if let group = algorithm.groupName {
      made = Self.point(raw, group: group)
    } else {
      guard algorithm == .ed25519 || algorithm == .x25519 else {
        throw .invalidInput("no raw form")
      }
      made = EVP_PKEY_new_raw_public_key_ex(
        nil,
        algorithm.opensslName,
        nil,
        raw,
        raw.count
      )
    }
    guard let made else {
      OpenSSL.clearErrors()
      throw .invalidKey("not a public key of this algorithm")
    }
    try self.init(checking: KeyHandle(owning: made))
  }

  /// Applies the rules to a key that OpenSSL has parsed.
  init(checking handle: KeyHandle) throws(CryptoError) {
    algorithm = try AsymmetricAlgorithm(of: handle.pointer)
    self.handle = handle
    if algorithm.isRSA {
      try RSAKeyCheck.publicHalf(of: handle)
    } else if let length = algorithm.fieldLength {
      let point = try raw()
      guard point.count == 2 * length + 1, point.first == 4 else {
        throw .invalidKey("point not uncompressed")
      }
    }
    let valid = try handle.withContext { context in EVP_PKEY_public_check(context) }
    guard valid == 1 else {
      OpenSSL.clearErrors()
      throw .invalidKey("the public key is not valid")
    }
  }

  /// The DER SubjectPublicKeyInfo.
  package func spki() throws(CryptoError) -> [UInt8] {
    let length = i2d_PUBKEY(handle.pointer, nil)
    guard length > 0 else { throw OpenSSL.failure("i2d_PUBKEY") }
    return [UInt8](unsafeUninitializedCapacity: Int(length)) { out, count in
      var next = out.baseAddress
      count = Int(i2d_PUBKEY(handle.pointer, &next))
    }
  }

  /// The raw form: 32 bytes for Ed25519 and X25519, the uncompressed point for a curve.
  package func raw() throws(CryptoError) -> [UInt8] {
    guard !algorithm.isRSA else { throw .invalidInput("no raw form") }
    var out = [UInt8](repeating: 0, count: 256)
    var length = 0
    guard
      EVP_PKEY_get_octet_string_param(
        handle.pointer,
        OSSL_PKEY_PARAM_PUB_KEY,
        &out,
        out.count,
        &length
      ) == 1
    else { throw OpenSSL.failure("EVP_PKEY_get_octet_string_param") }
    return Array(out[..<length])
  }

  private static func point(_ raw: [UInt8], group: String) -> OpaquePointer? {
    guard let context = EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { return nil }
    defer { EVP_PKEY_CTX_free(context) }
    guard EVP_PKEY_fromdata_init(context) == 1 else { return nil }
    var groupName = Array(group.utf8CString)
    var point = raw
    var key: OpaquePointer?
    groupName.withUnsafeMutableBufferPointer { name in
      point.withUnsafeMutableBufferPointer { bytes in
        var parameters = [
          OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name.baseAddress, 0),
          OSSL_PARAM_construct_octet_string(
            OSSL_PKEY_PARAM_PUB_KEY,
            bytes.baseAddress,
            bytes.count
          ),
          OSSL_PARAM_construct_end(),
        ]
        _ = EVP_PKEY_fromdata(context, &key, kw_public_key_selection, &parameters)
      }
    }
    return key
  }
}
