import COpenSSL
import Glibc

/// An X.509 certificate (RFC 5280), parsed once.
///
/// Whether to believe it is `TrustStore`'s to say.
///
/// Unchecked: an X509 is not changed after its extensions have been cached, which `init` has done.
package final class Certificate: @unchecked Sendable {
  let pointer: OpaquePointer

  /// The whole certificate as it was given.
  package let der: [UInt8]
  /// SHA-256 of the whole certificate: the one thing that two certificates are compared by (V05).
  package let sha256: [UInt8]
  /// SHA-256 of the DER SubjectPublicKeyInfo.
  package let spkiSHA256: [UInt8]
  /// The DER of the subject's and the issuer's name: a hint where to look, and no more.
  package let subject: [UInt8]
  package let issuer: [UInt8]
  /// Seconds since 1970.
  package let notBefore: Int64
  package let notAfter: Int64
  /// Whether basicConstraints says CA.
  package let isMarkedAsAuthority: Bool
  /// Whether it may sign certificates: basicConstraints, and keyUsage if it has one.
  package let isAuthority: Bool
  /// Whether it is for TLS clients: extendedKeyUsage names clientAuth itself, and keyUsage, if it has
  /// one, digitalSignature.
  package let isForClients: Bool
  /// The URIs among the subject alternative names.
  package let uriNames: [String]
  /// The DNS names among the subject alternative names, in lower case.
  package let dnsNames: [String]

  package static let longest = 16_384

  /// Parses DER of at most 16 KiB; what is no certificate of version 3, or has an extension twice or
  /// broken, is `invalidInput`.
  package init(der: [UInt8]) throws(CryptoError) {
    OpenSSL.prepare()
    guard der.count <= Self.longest else { throw .invalidInput("certificate too long") }
    let parsed = der.withUnsafeBufferPointer { bytes -> OpaquePointer? in
      var next = bytes.baseAddress
      guard let parsed = d2i_X509(nil, &next, bytes.count) else { return nil }
      guard next == bytes.baseAddress.map({ $0 + bytes.count }) else {
        X509_free(parsed)
        return nil
      }
      return parsed
    }
    defer { OpenSSL.clearErrors() }
    guard let parsed else { throw .invalidInput("not a certificate") }
    do throws(CryptoError) {
      self.der = der
      sha256 = Digest.sha256(der)
      guard X509_get_version(parsed) == 2, !Self.hasDoubledExtension(parsed),
        // Fills the cache of extensions, which other threads may then read.
        X509_check_purpose(parsed, -1, 0) == 1
      else { throw CryptoError.invalidInput("not a certificate of version 3") }
      let flags = X509_get_extension_flags(parsed)
      guard flags & UInt32(EXFLAG_INVALID) == 0 else {
        throw CryptoError.invalidInput("an extension cannot be read")
      }
      spkiSHA256 = Digest.sha256(
        try Self.encoded { i2d_X509_PUBKEY(X509_get_X509_PUBKEY(parsed), $0) }
      )
      subject = try Self.encoded { i2d_X509_NAME(X509_get_subject_name(parsed), $0) }
      issuer = try Self.encoded { i2d_X509_NAME(X509_get_issuer_name(parsed), $0) }
      notBefore = try Self.seconds(X509_get0_notBefore(parsed))
      notAfter = try Self.seconds(X509_get0_notAfter(parsed))
      // Both are all ones when the extension is absent.
      let usage = X509_get_key_usage(parsed)
      let extended = X509_get_extended_key_usage(parsed)
      isMarkedAsAuthority = flags & UInt32(EXFLAG_CA) != 0
      isAuthority = isMarkedAsAuthority && usage & UInt32(KU_KEY_CERT_SIGN) != 0
      isForClients =
        extended != .max && extended & UInt32(XKU_SSL_CLIENT) != 0
        && usage & UInt32(KU_DIGITAL_SIGNATURE) != 0
      (uriNames, dnsNames) = try Self.alternativeNames(parsed)
      pointer = parsed
    } catch {
      X509_free(parsed)
      throw error
    }
  }

  deinit { X509_free(pointer) }

  /// The DER of an object that OpenSSL writes with `write`.
  static func encoded(
    _ write: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32
  ) throws(CryptoError) -> [UInt8] {
    let length = write(nil)
    guard length > 0 else { throw OpenSSL.failure("i2d") }
    return [UInt8](unsafeUninitializedCapacity: Int(length)) { out, count in
      var next = out.baseAddress
      count = Int(write(&next))
    }
  }

  /// The seconds since 1970 of a time in a certificate or list.
  static func seconds(_ time: UnsafePointer<ASN1_TIME>?) throws(CryptoError) -> Int64 {
    var parts = tm()
    guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else {
      throw .invalidInput("a time cannot be read")
    }
    return Int64(timegm(&parts))
  }

  /// RFC 5280 §4.2: no extension twice, or readers could differ about which one counts.
  private static func hasDoubledExtension(_ certificate: OpaquePointer) -> Bool {
    let count = X509_get_ext_count(certificate)
    guard count <= 64 else { return true }
    for index in 0..<max(count, 0) {
      let name = X509_EXTENSION_get_object(X509_get_ext(certificate, index))
      if X509_get_ext_by_OBJ(certificate, name, index) >= 0 { return true }
    }
    return false
  }

  private static func alternativeNames(
    _ certificate: OpaquePointer
  ) throws(CryptoError) -> ([String], [String]) {
    var critical: Int32 = 0
    guard
      let found = X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, nil)
    else {
      guard critical == -1 else { throw .invalidInput("the alternative names cannot be read") }
      return ([], [])
    }
    let names = OpaquePointer(found)
    defer { GENERAL_NAMES_free(names) }
    var uris: [String] = []
    var hosts: [String] = []
    for index in 0..<OPENSSL_sk_num(names) {
      guard let name = OPENSSL_sk_value(names, index) else { continue }
      var type: Int32 = 0
      let value = GENERAL_NAME_get0_value(name.assumingMemoryBound(to: GENERAL_NAME.self), &type)
      guard type == GEN_URI || type == GEN_DNS else { continue }
      let text = value?.assumingMemoryBound(to: ASN1_STRING.self)
      let length = Int(ASN1_STRING_length(text))
      guard let start = ASN1_STRING_get0_data(text), (1...2048).contains(length) else {
        throw .invalidInput("an alternative name cannot be read")
      }
      let bytes = UnsafeBufferPointer(start: start, count: length)
      // Printable ASCII: a NUL in the middle made other readers see another name.
      guard bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else {
        throw .invalidInput("an alternative name has other bytes than printable ASCII")
      }
      if type == GEN_URI {
        uris.append(String(decoding: bytes, as: UTF8.self))
      } else {
        hosts.append(
          String(decoding: bytes.map { (65...90).contains($0) ? $0 + 32 : $0 }, as: UTF8.self)
        )
      }
    }
    return (uris, hosts)
  }
}
