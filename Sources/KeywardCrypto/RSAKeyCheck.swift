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
    guard let modulus = handle.number(OSSL_PKEY_PARAM_RSA_N) else {
      throw .invalidKey("RSA without a modulus")
    }
    defer { BN_free(modulus) }
    guard !isOfROCA(modulus) else {
      throw .invalidKey(
        "the RSA modulus has the form of CVE-2017-15361 (ROCA), which can be factored"
      )
    }
  }

  /// Whether a modulus is a power of 65537 modulo each of these primes, as those of one maker's chips
  /// are (Nemec et al., "The Return of Coppersmith's Attack", 2017).
  ///
  /// Another modulus is so with a chance of 2^-27.
  private static func isOfROCA(_ modulus: OpaquePointer) -> Bool {
    let primes: [UInt] = [
      11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
    ]
    return primes.allSatisfy { prime in
      let remainder = BN_mod_word(modulus, prime)
      var power: UInt = 1
      repeat {
        if power == remainder { return true }
        power = power * 65_537 % prime
      } while power != 1
      return false
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
