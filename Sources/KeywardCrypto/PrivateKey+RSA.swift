import COpenSSL

extension PrivateKey {
  /// The numbers of an RSA private key (RFC 8017 §3.2) by the names of JWK (RFC 7518 §6.3).
  package enum RSANumber: String, Sendable, CaseIterable {
    case n, e, d, p, q, dp, dq, qi

    var parameter: String {
      switch self {
      case .n: OSSL_PKEY_PARAM_RSA_N
      case .e: OSSL_PKEY_PARAM_RSA_E
      case .d: OSSL_PKEY_PARAM_RSA_D
      case .p: "rsa-factor1"
      case .q: "rsa-factor2"
      case .dp: "rsa-exponent1"
      case .dq: "rsa-exponent2"
      case .qi: "rsa-coefficient1"
      }
    }
  }

  /// A number of an RSA key, big-endian without leading zeros; other keys are `invalidInput`.
  package func number(_ which: RSANumber) throws(CryptoError) -> SecretBytes {
    guard algorithm.isRSA, let number = handle.number(which.parameter) else {
      throw .invalidInput("not a number of this key")
    }
    defer { BN_clear_free(number) }
    let length = (BN_num_bits(number) + 7) / 8
    let result = try SecretBytes(count: Int(length))
    guard BN_bn2binpad(number, result.mutablePointer, length) == length else {
      throw OpenSSL.failure("BN_bn2binpad")
    }
    return result
  }
}
