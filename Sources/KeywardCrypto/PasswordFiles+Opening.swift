import CKeywardShims
import COpenSSL

/// The way back, by which each file is tried before it leaves.
extension PasswordFiles {
  /// The PrivateKeyInfo in an EncryptedPrivateKeyInfo; all that is wrong is `authenticationFailed`.
  package static func openPKCS8(
    _ file: [UInt8],
    password: borrowing SecretBytes
  ) throws(CryptoError) -> SecretBytes {
    OpenSSL.prepare()
    defer { kw_scrub_stack() }
    let sealed = file.withUnsafeBufferPointer { bytes in
      var next = bytes.baseAddress
      return d2i_X509_SIG(nil, &next, bytes.count)
    }
    defer { X509_SIG_free(sealed) }
    let info = password.withUnsafeBytes { bytes in
      sealed.flatMap {
        PKCS8_decrypt($0, bytes.bindMemory(to: CChar.self).baseAddress, Int32(bytes.count))
      }
    }
    guard let info else {
      OpenSSL.clearErrors()
      throw .authenticationFailed
    }
    defer { PKCS8_PRIV_KEY_INFO_free(info) }
    return try PKCS8.der(of: info)
  }

  /// The key pair in a PKCS #12 file, whose halves were tried with each other; all that is wrong with
  /// file or password is `authenticationFailed`.
  package static func openPKCS12(
    _ file: [UInt8],
    password: borrowing SecretBytes,
    expecting algorithm: AsymmetricAlgorithm
  ) throws(CryptoError) -> PrivateKey {
    OpenSSL.prepare()
    defer { kw_scrub_stack() }
    var text = try SecretBytes(count: password.count + 1)
    password.withUnsafeBytes { source in text.withUnsafeMutableBytes { $0.copyMemory(from: source) }
    }
    let parsed = file.withUnsafeBufferPointer { bytes in
      var next = bytes.baseAddress
      return d2i_PKCS12(nil, &next, bytes.count)
    }
    defer { PKCS12_free(parsed) }
    var key: OpaquePointer?
    var holder: OpaquePointer?
    let isOpen = text.withUnsafeBytes { bytes in
      parsed.map {
        PKCS12_parse($0, bytes.bindMemory(to: CChar.self).baseAddress, &key, &holder, nil)
      }
    }
    defer { X509_free(holder) }
    guard isOpen == 1, let key else {
      OpenSSL.clearErrors()
      throw .authenticationFailed
    }
    let encoded = try PKCS8.encode(KeyHandle(owning: key))
    return try PrivateKey(pkcs8: encoded, expecting: algorithm)
  }
}
