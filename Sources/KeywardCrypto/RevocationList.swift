import COpenSSL

/// A certificate revocation list (RFC 5280 §5) that is complete for its issuer.
///
/// Unchecked: an X509_CRL is not changed after parsing; OpenSSL locks the order of its entries.
package final class RevocationList: @unchecked Sendable {
  private let pointer: OpaquePointer

  /// The DER of the issuer's name.
  package let issuer: [UInt8]
  /// Seconds since 1970.
  package let thisUpdate: Int64
  /// Seconds since 1970, when the next list is due; after it this one is not believed.
  package let nextUpdate: Int64

  package static let longest = 1 << 20

  /// Parses DER of at most 1 MiB.
  ///
  /// A list without nextUpdate, and one that is only a part or a change of the whole (which a critical
  /// extension says), is `invalidInput`: what it does not name could be revoked all the same.
  package init(der: [UInt8]) throws(CryptoError) {
    OpenSSL.prepare()
    guard der.count <= Self.longest else { throw .invalidInput("revocation list too long") }
    let parsed = der.withUnsafeBufferPointer { bytes -> OpaquePointer? in
      var next = bytes.baseAddress
      guard let parsed = d2i_X509_CRL(nil, &next, bytes.count) else { return nil }
      guard next == bytes.baseAddress.map({ $0 + bytes.count }) else {
        X509_CRL_free(parsed)
        return nil
      }
      return parsed
    }
    defer { OpenSSL.clearErrors() }
    guard let parsed else { throw .invalidInput("not a revocation list") }
    do throws(CryptoError) {
      guard X509_CRL_get_ext_by_critical(parsed, 1, -1) < 0 else {
        throw CryptoError.invalidInput("not a complete revocation list")
      }
      issuer = try Certificate.encoded { i2d_X509_NAME(X509_CRL_get_issuer(parsed), $0) }
      thisUpdate = try Certificate.seconds(X509_CRL_get0_lastUpdate(parsed))
      nextUpdate = try Certificate.seconds(X509_CRL_get0_nextUpdate(parsed))
      pointer = parsed
    } catch {
      X509_CRL_free(parsed)
      throw error
    }
  }

  deinit { X509_CRL_free(pointer) }

  /// Whether the list is in force at `seconds` and signed by the key of `issuer`, an X509 that may
  /// sign lists.
  func holds(at seconds: Int64, issuer: OpaquePointer) -> Bool {
    guard thisUpdate <= seconds, seconds < nextUpdate,
      X509_get_key_usage(issuer) & UInt32(KU_CRL_SIGN) != 0,
      let key = X509_get0_pubkey(issuer)
    else { return false }
    defer { OpenSSL.clearErrors() }
    return X509_CRL_verify(pointer, key) == 1
  }

  /// Whether the list names `certificate`, an X509 of its issuer.
  func names(_ certificate: OpaquePointer) -> Bool {
    var entry: OpaquePointer?
    return X509_CRL_get0_by_cert(pointer, &entry, certificate) != 0
  }
}
