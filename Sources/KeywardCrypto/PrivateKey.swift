import CKeywardShims
import COpenSSL

/// A key pair.
///
/// Every pair, generated or imported, has passed a pairwise test. May be used from many threads.
package final class PrivateKey: Sendable {
  package let algorithm: AsymmetricAlgorithm
  let handle: KeyHandle
  private let publicHalf: PublicKey

  /// Generates a pair; RSA has the exponent 65537 and two primes.
  package static func generate(_ algorithm: AsymmetricAlgorithm) throws(CryptoError) -> PrivateKey {
    try generate(algorithm, primes: 2)
  }

  /// Generates an RSA pair that nobody outside this process will use.
  ///
  /// It has as many primes as libcrypto gives a key of its size, which decrypts a good deal faster. No
  /// other party takes such a key, and an import refuses it.
  package static func generateThrowAway(rsaBits bits: Int) throws(CryptoError) -> PrivateKey {
    try generate(.rsa(bits: bits), primes: bits < 4096 ? 3 : bits < 8192 ? 4 : 5)
  }

  private static func generate(
    _ algorithm: AsymmetricAlgorithm,
    primes: Int
  ) throws(CryptoError) -> PrivateKey {
    OpenSSL.prepare()
    defer { kw_scrub_stack() }
    if case .rsa(let bits) = algorithm {
      guard AsymmetricAlgorithm.rsaBits.contains(bits), bits % 8 == 0 else {
        throw .invalidInput("RSA needs 2048 to 8192 bits")
      }
    }
    guard let context = EVP_PKEY_CTX_new_from_name(nil, algorithm.opensslName, nil) else {
      throw OpenSSL.failure("EVP_PKEY_CTX_new_from_name")
    }
    defer { EVP_PKEY_CTX_free(context) }
    var ok = EVP_PKEY_keygen_init(context) == 1
    if case .rsa(let bits) = algorithm {
      ok = ok && EVP_PKEY_CTX_set_rsa_keygen_bits(context, Int32(bits)) == 1
      ok = ok && EVP_PKEY_CTX_set_rsa_keygen_primes(context, Int32(primes)) == 1
    }
    if let group = algorithm.groupName {
      ok = ok && EVP_PKEY_CTX_set_group_name(context, group) == 1
    }
    var key: OpaquePointer?
    guard ok, EVP_PKEY_generate(context, &key) == 1, let key else {
      throw OpenSSL.failure("EVP_PKEY_generate")
    }
    return try PrivateKey(testing: KeyHandle(owning: key))
  }

  /// Parses an unencrypted DER PrivateKeyInfo (RFC 5208).
  ///
  /// Strict: trailing bytes, attributes and explicit curve parameters are refused. RSA: see
  /// `RSAKeyCheck`, and its numbers must be primes that fit each other. A curve point must belong to
  /// the scalar. Anything but `expecting`, when given, is `invalidKey`.
  package convenience init(
    pkcs8: borrowing SecretBytes,
    expecting: AsymmetricAlgorithm? = nil
  ) throws(CryptoError) {
    OpenSSL.prepare()
    defer { kw_scrub_stack() }
    let handle = try PKCS8.parse(pkcs8)
    let found = try PublicKey.checkShape(of: handle)
    if let expecting, expecting != found { throw .invalidKey("another algorithm than expected") }
    if found.isRSA { try RSAKeyCheck.privateHalf(of: handle) }
    let valid = try handle.withContext { context in EVP_PKEY_check(context) }
    guard valid == 1 else {
      OpenSSL.clearErrors()
      throw .invalidKey("the numbers of the key do not fit each other")
    }
    try self.init(testing: handle)
    try PKCS8.checkCanonical(pkcs8, of: self)
  }

  /// Makes a pair from the 32 raw bytes of an Ed25519 or X25519 private key.
  package convenience init(
    raw: borrowing SecretBytes,
    _ algorithm: AsymmetricAlgorithm
  ) throws(CryptoError) {
    OpenSSL.prepare()
    defer { kw_scrub_stack() }
    guard algorithm == .ed25519 || algorithm == .x25519 else { throw .invalidInput("no raw form") }
    guard
      let key = EVP_PKEY_new_raw_private_key_ex(
        nil,
        algorithm.opensslName,
        nil,
        raw.pointer,
        raw.count
      )
    else {
      OpenSSL.clearErrors()
      throw .invalidKey("key length")
    }
    try self.init(testing: KeyHandle(owning: key))
  }

  /// Parses a known key without the checks of an import, which would take most of a self-test.
  init(selfTest pkcs8: borrowing SecretBytes) throws(CryptoError) {
    handle = try PKCS8.parse(pkcs8)
    publicHalf = try PublicKey(halfOf: handle)
    algorithm = publicHalf.algorithm
  }

  /// Takes a pair whose numbers are checked, and tests that its halves fit each other.
  private init(testing handle: KeyHandle) throws(CryptoError) {
    self.handle = handle
    publicHalf = try PublicKey(halfOf: handle)
    algorithm = publicHalf.algorithm
    try PairwiseTest.run(self)
  }

  /// The DER PrivateKeyInfo, for wrapping.
  package func pkcs8() throws(CryptoError) -> SecretBytes {
    try PKCS8.encode(handle)
  }

  /// The raw private key: 32 bytes for Ed25519 and X25519, the scalar in full width for a curve.
  package func rawPrivateKey() throws(CryptoError) -> SecretBytes {
    if let length = algorithm.fieldLength {
      let result = try SecretBytes(count: length)
      guard let scalar = handle.number(OSSL_PKEY_PARAM_PRIV_KEY) else {
        throw .internalFailure("EVP_PKEY_get_bn_param")
      }
      defer { BN_clear_free(scalar) }
      guard BN_bn2binpad(scalar, result.mutablePointer, Int32(length)) == length else {
        throw OpenSSL.failure("BN_bn2binpad")
      }
      return result
    }
    guard !algorithm.isRSA else { throw .invalidInput("no raw form") }
    let result = try SecretBytes(count: 32)
    var length = 32
    guard EVP_PKEY_get_raw_private_key(handle.pointer, result.mutablePointer, &length) == 1,
      length == 32
    else { throw OpenSSL.failure("EVP_PKEY_get_raw_private_key") }
    return result
  }

  /// The public half, without a trace of the private one.
  package func publicKey() throws(CryptoError) -> PublicKey {
    publicHalf
  }
}
