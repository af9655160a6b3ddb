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
    guard let parsed = Self.parse(spki) else {
      OpenSSL.clearErrors()
      throw .invalidKey("not a SubjectPublicKeyInfo")
    }
    try self.init(checking: parsed)
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
      made = kw_ec_public_key(group, raw, raw.count)
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

  /// Copies the public half out of a pair that has been checked as a whole.
  init(halfOf pair: KeyHandle) throws(CryptoError) {
    algorithm = try AsymmetricAlgorithm(of: pair.pointer)
    let spki = try Self.spki(of: pair)
    guard let handle = Self.parse(spki) else { throw OpenSSL.failure("d2i_PUBKEY_ex") }
    self.handle = handle
  }

  /// Applies the rules to a key that OpenSSL has parsed.
  private init(checking handle: KeyHandle) throws(CryptoError) {
    algorithm = try Self.checkShape(of: handle)
    self.handle = handle
    let valid = try handle.withContext { context in EVP_PKEY_public_check(context) }
    guard valid == 1 else {
      OpenSSL.clearErrors()
      throw .invalidKey("the public key is not valid")
    }
  }

  /// Applies the rules on sizes and forms, for single keys and pairs.
  @discardableResult
  static func checkShape(of handle: KeyHandle) throws(CryptoError) -> AsymmetricAlgorithm {
    let algorithm = try AsymmetricAlgorithm(of: handle.pointer)
    if algorithm.isRSA {
      try RSAKeyCheck.publicHalf(of: handle)
    } else if let length = algorithm.fieldLength {
      // Explicit parameters, even of a curve on offer, are how CVE-2020-0601 forged keys.
      var explicit: Int32 = 0
      guard
        EVP_PKEY_get_int_param(
          handle.pointer,
          OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
          &explicit
        ) == 1,
        explicit == 0
      else {
        OpenSSL.clearErrors()
        throw .invalidKey("not a named curve")
      }
      let point = try raw(of: handle)
      guard point.count == 2 * length + 1, point.first == 4 else {
        throw .invalidKey("point not uncompressed")
      }
    }
    return algorithm
  }

  /// The DER SubjectPublicKeyInfo.
  package func spki() throws(CryptoError) -> [UInt8] {
    try Self.spki(of: handle)
  }

  /// The raw form: 32 bytes for Ed25519 and X25519, the uncompressed point for a curve.
  package func raw() throws(CryptoError) -> [UInt8] {
    guard !algorithm.isRSA else { throw .invalidInput("no raw form") }
    return try Self.raw(of: handle)
  }

  private static func parse(_ spki: [UInt8]) -> KeyHandle? {
    spki.withUnsafeBufferPointer { bytes in
      var next = bytes.baseAddress
      return d2i_PUBKEY_ex(nil, &next, bytes.count, nil, nil).map(KeyHandle.init(owning:))
    }
  }

  private static func spki(of handle: KeyHandle) throws(CryptoError) -> [UInt8] {
    let length = i2d_PUBKEY(handle.pointer, nil)
    guard length > 0 else { throw OpenSSL.failure("i2d_PUBKEY") }
    return [UInt8](unsafeUninitializedCapacity: Int(length)) { out, count in
      var next = out.baseAddress
      count = Int(i2d_PUBKEY(handle.pointer, &next))
    }
  }

  private static func raw(of handle: KeyHandle) throws(CryptoError) -> [UInt8] {
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
    else {
      // The point at infinity has no encoding.
      OpenSSL.clearErrors()
      throw .invalidKey("no public key")
    }
    return Array(out[..<length])
  }
}
