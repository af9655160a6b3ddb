import COpenSSL

/// Keys from passphrases, at a price in memory (RFC 7914).
package enum Scrypt {
  /// The most memory a derivation may take, in bytes: parameters can come from a file.
  package static let maximumMemory = 1 << 30

  /// Derives `count` bytes with cost N = 2^`logN`, block size `r` and parallelism `p`.
  ///
  /// Takes 128 · r · (N + p) bytes while it runs; more than `maximumMemory`, or parameters outside
  /// the RFC, are `invalidInput`.
  package static func derive(
    passphrase: borrowing SecretBytes,
    salt: [UInt8],
    logN: Int,
    r: Int,
    p: Int,
    count: Int
  ) throws(CryptoError) -> SecretBytes {
    guard (1...24).contains(logN), (1...1024).contains(r), (1...1024).contains(p),
      (1...4096).contains(count), 128 * r * ((1 << logN) + p + 2) <= maximumMemory
    else { throw .invalidInput("scrypt parameters") }
    OpenSSL.prepare()
    let result = try SecretBytes(count: count)
    let ok = passphrase.withUnsafeBytes { bytes in
      EVP_PBE_scrypt_ex(
        bytes.bindMemory(to: CChar.self).baseAddress,
        bytes.count,
        salt,
        salt.count,
        UInt64(1) << UInt64(logN),
        UInt64(r),
        UInt64(p),
        UInt64(2 * maximumMemory),
        result.mutablePointer,
        count,
        nil,
        nil
      )
    }
    guard ok == 1 else { throw OpenSSL.failure("EVP_PBE_scrypt_ex") }
    return result
  }
}
