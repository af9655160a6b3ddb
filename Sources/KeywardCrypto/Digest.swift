import COpenSSL

/// Hashing of public bytes.
package enum Digest {
  /// Hashes `bytes` with `function`.
  package static func hash(
    _ function: HashFunction,
    _ bytes: [UInt8]
  ) throws(CryptoError)
    -> [UInt8]
  {
    if function == .sha256 { return sha256(bytes) }
    let algorithm = try function.evp()
    var ok = false
    let digest = [UInt8](unsafeUninitializedCapacity: function.digestLength) { out, count in
      ok = EVP_Digest(bytes, bytes.count, out.baseAddress, nil, algorithm, nil) == 1
      count = ok ? function.digestLength : 0
    }
    guard ok else { throw OpenSSL.failure("EVP_Digest") }
    return digest
  }

  /// The SHA-256 of the parts one after the other, without joining them.
  package static func sha256(_ parts: [UInt8]...) -> [UInt8] {
    var work = kw_sha2()
    kw_sha2_begin(&work, 256)
    for part in parts { kw_sha2_update(&work, part, part.count) }
    return [UInt8](unsafeUninitializedCapacity: 32) { out, count in
      kw_sha2_finish(&work, out.baseAddress)
      count = 32
    }
  }

  /// The SHA-256 of one byte string.
  package static func sha256(_ bytes: [UInt8]) -> [UInt8] {
    // Not SHA256(3), which looks its digest up anew at each call.
    var work = kw_sha2()
    kw_sha2_begin(&work, 256)
    kw_sha2_update(&work, bytes, bytes.count)
    return [UInt8](unsafeUninitializedCapacity: 32) { out, count in
      kw_sha2_finish(&work, out.baseAddress)
      count = 32
    }
  }

  /// The SHA-256 of public bytes and secret ones after them, which are read where they are.
  package static func sha256(
    _ bytes: [UInt8],
    then secret: borrowing SecretBytes
  ) -> [UInt8] {
    var work = kw_sha2()
    kw_sha2_begin(&work, 256)
    kw_sha2_update(&work, bytes, bytes.count)
    secret.withUnsafeBytes { kw_sha2_update(&work, $0.baseAddress, $0.count) }
    defer { withUnsafeMutableBytes(of: &work) { OPENSSL_cleanse($0.baseAddress, $0.count) } }
    return [UInt8](unsafeUninitializedCapacity: 32) { out, count in
      kw_sha2_finish(&work, out.baseAddress)
      count = 32
    }
  }
}

extension Digest {
  /// The SHA-256 of public bytes, a secret and public bytes, as a secret: for key derivation that
  /// formats of others prescribe.
  package static func secretSHA256(
    _ before: [UInt8],
    _ secret: borrowing SecretBytes,
    _ after: [UInt8]
  ) throws(CryptoError) -> SecretBytes {
    let result = try SecretBytes(count: 32)
    var work = kw_sha2()
    kw_sha2_begin(&work, 256)
    kw_sha2_update(&work, before, before.count)
    secret.withUnsafeBytes { kw_sha2_update(&work, $0.baseAddress, $0.count) }
    kw_sha2_update(&work, after, after.count)
    kw_sha2_finish(&work, result.mutablePointer)
    return result
  }
}
