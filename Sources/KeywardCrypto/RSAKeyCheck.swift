import COpenSSL

/// The rules for RSA numbers that OpenSSL leaves to its caller (SP 800-56B §6).
package enum RSAKeyCheck {
  /// Size of the modulus; exponent odd, 65537 or more, at most 256 bits.
  static func publicHalf(of handle: KeyHandle) throws(CryptoError) {
    let bits = Int(EVP_PKEY_get_bits(handle.pointer))
    guard AsymmetricAlgorithm.rsaBits.contains(bits), bits % 8 == 0 else {
      throw .invalidKey("RSA needs 2048 to 8192 bits")
    }
    guard let exponent = handle.number(OSSL_PKEY_PARAM_RSA_E) else {
      throw .invalidKey("RSA without an exponent")
    }
    defer { BN_free(exponent) }
    let width = BN_num_bits(exponent)
    guard BN_is_odd(exponent) == 1, width >= 17, width <= 256 else {
      throw .invalidKey("the RSA exponent must be odd and 65537 or more")
    }
  }

  /// Two primes of half the size, not near each other, and a private exponent that is not small.
  ///
  /// That they are primes and that all numbers fit each other is `EVP_PKEY_check`'s part.
  static func privateHalf(of handle: KeyHandle) throws(CryptoError) {
    let half = EVP_PKEY_get_bits(handle.pointer) / 2
    if let third = handle.number("rsa-factor3") {
      BN_clear_free(third)
      throw .invalidKey("RSA with more than two primes")
    }
    let p = handle.number("rsa-factor1")
    let q = handle.number("rsa-factor2")
    let d = handle.number(OSSL_PKEY_PARAM_RSA_D)
    let gap = BN_secure_new()
    defer { for number in [p, q, d, gap] { BN_clear_free(number) } }
    guard let p, let q, let d, let gap else { throw .invalidKey("RSA without its primes") }
    guard BN_num_bits(p) == half, BN_num_bits(q) == half else {
      throw .invalidKey("the RSA primes must be half as long as the modulus")
    }
    // Fermat's method factors a modulus whose primes are near each other.
    guard BN_sub(gap, p, q) == 1, BN_num_bits(gap) > half - 100 else {
      throw .invalidKey("the RSA primes are too close")
    }
    // Wiener's and Boneh and Durfee's attacks find a small private exponent.
    guard BN_num_bits(d) > half else { throw .invalidKey("the RSA private exponent is too small") }
  }

  /// Whether a big-endian number is a prime, as the import of a key decides it.
  package static func isPrime(_ bytes: [UInt8]) -> Bool {
    guard let number = BN_bin2bn(bytes, Int32(bytes.count), nil) else { return false }
    defer { BN_clear_free(number) }
    return BN_check_prime(number, nil, nil) == 1
  }
}
