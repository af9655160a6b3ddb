import CKeywardShims
import COpenSSL

extension PrivateKey {
  /// Signs `message`; a scheme that does not fit the key is `invalidInput`.
  package func sign(
    _ scheme: SignatureScheme,
    _ message: [UInt8]
  ) throws(CryptoError) -> [UInt8] {
    guard scheme.fits(algorithm) else { throw .invalidInput("the scheme does not fit the key") }
    defer { kw_scrub_stack() }
    return try scheme.encoded(Signing.sign(scheme, handle, message), algorithm)
  }

  /// Signs a digest that the caller has made with the hash of `scheme`; not for Ed25519.
  package func sign(
    prehashed digest: [UInt8],
    _ scheme: SignatureScheme
  ) throws(CryptoError) -> [UInt8] {
    guard scheme.fits(algorithm), let hash = scheme.hash else {
      throw .invalidInput("the scheme does not fit the key")
    }
    guard digest.count == hash.digestLength else { throw .invalidInput("digest length") }
    defer { kw_scrub_stack() }
    let signature = try handle.withContext { context throws(CryptoError) in
      guard EVP_PKEY_sign_init(context) == 1 else { throw OpenSSL.failure("EVP_PKEY_sign_init") }
      try Signing.configure(context, scheme, prehashed: true)
      var length = Int(EVP_PKEY_get_size(handle.pointer))
      var signature = [UInt8](repeating: 0, count: length)
      guard EVP_PKEY_sign(context, &signature, &length, digest, digest.count) == 1 else {
        throw OpenSSL.failure("EVP_PKEY_sign")
      }
      return Array(signature[..<length])
    }
    return try scheme.encoded(signature, algorithm)
  }
}

extension PublicKey {
  /// Whether `signature` is one of this key for `message`; false for whatever is wrong.
  package func verify(
    _ scheme: SignatureScheme,
    _ message: [UInt8],
    signature: [UInt8]
  ) -> Bool {
    guard scheme.fits(algorithm), let signature = scheme.decoded(signature, algorithm) else {
      return false
    }
    defer { OpenSSL.clearErrors() }
    return (try? Signing.verify(scheme, handle, message, signature)) ?? false
  }

  /// The same for a digest that the caller has made with the hash of `scheme`.
  package func verify(
    prehashed digest: [UInt8],
    _ scheme: SignatureScheme,
    signature: [UInt8]
  ) -> Bool {
    guard scheme.fits(algorithm), let hash = scheme.hash, digest.count == hash.digestLength,
      let signature = scheme.decoded(signature, algorithm)
    else { return false }
    defer { OpenSSL.clearErrors() }
    let valid = try? handle.withContext { context throws(CryptoError) in
      guard EVP_PKEY_verify_init(context) == 1 else { return false }
      try Signing.configure(context, scheme, prehashed: true)
      return EVP_PKEY_verify(context, signature, signature.count, digest, digest.count) == 1
    }
    return valid ?? false
  }
}

/// The calls behind `sign` and `verify`.
private enum Signing {
  static func sign(
    _ scheme: SignatureScheme,
    _ key: KeyHandle,
    _ message: [UInt8]
  ) throws(CryptoError) -> [UInt8] {
    guard let context = EVP_MD_CTX_new() else { throw OpenSSL.failure("EVP_MD_CTX_new") }
    defer { EVP_MD_CTX_free(context) }
    var keyContext: OpaquePointer?
    guard EVP_DigestSignInit(context, &keyContext, try scheme.hash?.evp(), nil, key.pointer) == 1,
      let keyContext
    else { throw OpenSSL.failure("EVP_DigestSignInit") }
    try configure(keyContext, scheme, prehashed: false)
    var length = Int(EVP_PKEY_get_size(key.pointer))
    var signature = [UInt8](repeating: 0, count: length)
    guard EVP_DigestSign(context, &signature, &length, message, message.count) == 1 else {
      throw OpenSSL.failure("EVP_DigestSign")
    }
    return Array(signature[..<length])
  }

  static func verify(
    _ scheme: SignatureScheme,
    _ key: KeyHandle,
    _ message: [UInt8],
    _ signature: [UInt8]
  ) throws(CryptoError) -> Bool {
    guard let context = EVP_MD_CTX_new() else { throw OpenSSL.failure("EVP_MD_CTX_new") }
    defer { EVP_MD_CTX_free(context) }
    var keyContext: OpaquePointer?
    guard EVP_DigestVerifyInit(context, &keyContext, try scheme.hash?.evp(), nil, key.pointer) == 1,
      let keyContext
    else { throw OpenSSL.failure("EVP_DigestVerifyInit") }
    try configure(keyContext, scheme, prehashed: false)
    return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
  }

  /// Sets padding, and the hash where OpenSSL has not been told it already.
  static func configure(
    _ context: OpaquePointer,
    _ scheme: SignatureScheme,
    prehashed: Bool
  ) throws(CryptoError) {
    let digest = try scheme.hash?.evp()
    var ok = true
    switch scheme {
    case .rsaPSS(let hash):
      ok =
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1
        && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, Int32(hash.digestLength)) == 1
        && EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) == 1
    case .rsaPKCS1:
      ok = EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1
    case .ecdsa, .ed25519:
      break
    }
    if prehashed, digest != nil {
      ok = ok && EVP_PKEY_CTX_set_signature_md(context, digest) == 1
    }
    guard ok else { throw OpenSSL.failure("EVP_PKEY_CTX_set_signature_md") }
  }
}
