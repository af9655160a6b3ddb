import COpenSSL

/// The certificates of one authority, and the verification of clients' certificates against them.
///
/// Unchecked: an X509_STORE is locked by OpenSSL and not changed after `init`.
package final class TrustStore: @unchecked Sendable {
  /// Why a chain is refused.
  package enum Failure: Error, Hashable, Sendable {
    /// The client's own certificate is one of an authority.
    case leafIsAuthority
    /// Not for TLS clients, or a certificate on the way is not for signing.
    case wrongUsage
    /// More than the client's certificate and those of authorities was presented.
    case notAuthority
    /// More than 8 certificates.
    case tooLong
    case notYetValid
    case expired
    /// No way to the authority, or a signature on the way is not by the key that it names.
    case untrusted
    /// A key below 112 bits of strength, or a signature with SHA-1.
    case weak
    case revoked
    /// The authority has revocation lists, but none in force for a certificate on the way.
    case revocationUnknown
    /// Another rule of RFC 5280 §6; OpenSSL's number of it.
    case invalid(Int32)
    /// OpenSSL had no memory.
    case internalFailure
  }

  package static let longestChain = 8

  private let store: OpaquePointer
  private let revocationLists: [RevocationList]

  /// Trusts `anchors`, each of which must be of an authority, and none beyond them.
  ///
  /// With revocation lists, each certificate below an anchor needs one of its issuer in force.
  package init(
    anchors: [Certificate],
    revocationLists: [RevocationList] = []
  ) throws(CryptoError) {
    guard anchors.allSatisfy(\.isAuthority), !anchors.isEmpty else {
      throw .invalidInput("an anchor is not of an authority")
    }
    guard let store = X509_STORE_new() else { throw OpenSSL.failure("X509_STORE_new") }
    self.store = store
    self.revocationLists = revocationLists
    for anchor in anchors {
      guard X509_STORE_add_cert(store, anchor.pointer) == 1 else {
        throw OpenSSL.failure("X509_STORE_add_cert")
      }
    }
  }

  deinit { X509_STORE_free(store) }

  /// Verifies a client's certificate, and gives the second at which the way to the anchor ends.
  ///
  /// The client has proved to hold the key of `leaf`; what it `presented` with it, in any order, helps
  /// to find the way and is trusted in nothing. `seconds` is the time of the request since 1970.
  package func verify(
    _ leaf: Certificate,
    presented: [Certificate],
    at seconds: Int64
  ) throws(Failure) -> Int64 {
    guard presented.count < Self.longestChain else { throw .tooLong }
    guard !leaf.isMarkedAsAuthority else { throw .leafIsAuthority }
    guard leaf.isForClients else { throw .wrongUsage }
    guard presented.allSatisfy(\.isAuthority) else { throw .notAuthority }
    defer { OpenSSL.clearErrors() }
    guard let context = X509_STORE_CTX_new(), let others = OPENSSL_sk_new_null() else {
      throw .internalFailure
    }
    defer {
      X509_STORE_CTX_free(context)
      OPENSSL_sk_free(others)
    }
    for certificate in presented {
      guard OPENSSL_sk_push(others, UnsafeRawPointer(certificate.pointer)) > 0 else {
        throw .internalFailure
      }
    }
    guard X509_STORE_CTX_init(context, store, leaf.pointer, others) == 1,
      let rules = X509_STORE_CTX_get0_param(context)
    else { throw .internalFailure }
    X509_VERIFY_PARAM_set_time(rules, Int(seconds))
    X509_VERIFY_PARAM_set_depth(rules, Int32(Self.longestChain))
    X509_VERIFY_PARAM_set_auth_level(rules, 2)
    // An authority that is registered is where the way ends, also when it is below another one.
    X509_VERIFY_PARAM_set_flags(rules, UInt(X509_V_FLAG_PARTIAL_CHAIN))
    guard X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_SSL_CLIENT) == 1 else {
      throw .internalFailure
    }
    guard X509_verify_cert(context) == 1 else {
      throw Self.failure(X509_STORE_CTX_get_error(context))
    }
    let way = X509_STORE_CTX_get0_chain(context)
    return try withExtendedLifetime((leaf, presented)) { () throws(Failure) in
      try judge((0..<OPENSSL_sk_num(way)).compactMap { OPENSSL_sk_value(way, $0) }, seconds)
    }
  }

  /// Looks for revocations on a way that leads to an anchor, and for its end in time.
  private func judge(
    _ way: [UnsafeMutableRawPointer],
    _ seconds: Int64
  ) throws(Failure) -> Int64 {
    let way = way.map { OpaquePointer($0) }
    guard way.count >= 2 else { throw .untrusted }
    var end = Int64.max
    for certificate in way {
      do {
        end = min(end, try Certificate.seconds(X509_get0_notAfter(certificate)))
      } catch {
        throw .internalFailure
      }
    }
    guard !revocationLists.isEmpty else { return end }
    for (certificate, issuer) in zip(way, way.dropFirst()) {
      let name: [UInt8]
      do {
        name = try Certificate.encoded { i2d_X509_NAME(X509_get_issuer_name(certificate), $0) }
      } catch {
        throw .internalFailure
      }
      let lists = revocationLists.filter { list in
        list.issuer == name && list.holds(at: seconds, issuer: issuer)
      }
      guard !lists.isEmpty else { throw .revocationUnknown }
      guard !lists.contains(where: { $0.names(certificate) }) else { throw .revoked }
    }
    return end
  }

  private static func failure(_ code: Int32) -> Failure {
    switch code {
    case X509_V_ERR_CERT_NOT_YET_VALID: .notYetValid
    case X509_V_ERR_CERT_HAS_EXPIRED: .expired
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
      X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_CERT_SIGNATURE_FAILURE,
      X509_V_ERR_CERT_UNTRUSTED:
      .untrusted
    case X509_V_ERR_INVALID_CA, X509_V_ERR_INVALID_PURPOSE, X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
      .wrongUsage
    case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL, X509_V_ERR_CA_MD_TOO_WEAK: .weak
    case X509_V_ERR_CERT_CHAIN_TOO_LONG, X509_V_ERR_PATH_LENGTH_EXCEEDED: .tooLong
    default: .invalid(code)
    }
  }
}
