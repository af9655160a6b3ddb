package import KeywardCrypto
package import KeywardModel

/// What a client's certificate turned out to be.
package enum CertificateOutcome: Sendable {
  case accepted(VerifiedCertificate)
  case refused(CertificateRefusal)
}

/// A client's certificate that holds: whose, and how long.
package struct VerifiedCertificate: Hashable, Sendable {
  package let principal: Principal
  /// SHA-256 of the whole certificate, which tokens made under it are bound to (V06).
  package let sha256: [UInt8]
  /// The first moment at which a certificate of the way to its authority does not hold any more.
  package let expiresAt: Timestamp
}

/// Why a certificate is not taken: for the server's log, never for the client.
package enum CertificateRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  /// Nothing, or more than 8 certificates.
  case chainLength
  case malformed
  /// No registered authority has the name of an issuer in the chain.
  case unknownAuthority
  case chain(TrustStore.Failure)
  /// Two authorities vouch for it.
  case ambiguous
  /// Not exactly one URI, or DNS name, among the subject alternative names.
  case names
  /// Not the SPIFFE ID of the trust domain.
  case trustDomain
  /// A name that the authority may not give.
  case nameNotAllowed
  /// The public key is not pinned.
  case notPinned

  package var description: String {
    switch self {
    case .chainLength: "not 1 to 8 certificates"
    case .malformed: "a certificate cannot be read"
    case .unknownAuthority: "no such authority"
    case .chain(let failure): "the chain does not verify: \(failure)"
    case .ambiguous: "two authorities vouch for it"
    case .names: "not exactly one name"
    case .trustDomain: "not a SPIFFE ID of the trust domain"
    case .nameNotAllowed: "the authority may not give this name"
    case .notPinned: "the public key is not pinned"
    }
  }
}

extension Registry {
  /// Verifies a client's certificate at `now` and says whose it is.
  ///
  /// TLS has proved that the client holds the key of the first certificate. What came with it helps to
  /// find the way to an authority and is trusted in nothing.
  package func verify(chainDER: [[UInt8]], now: Timestamp) -> CertificateOutcome {
    do throws(CertificateRefusal) {
      guard (1...TrustStore.longestChain).contains(chainDER.count) else {
        throw CertificateRefusal.chainLength
      }
      var chain: [Certificate] = []
      for der in chainDER {
        do {
          chain.append(try Certificate(der: der))
        } catch {
          throw CertificateRefusal.malformed
        }
      }
      return .accepted(try verify(chain[0], presented: Array(chain.dropFirst()), now))
    } catch {
      return .refused(error)
    }
  }

  private func verify(
    _ leaf: Certificate,
    presented: [Certificate],
    _ now: Timestamp
  ) throws(CertificateRefusal) -> VerifiedCertificate {
    // Names only say where to look: what counts is whose key verifies, and each one is tried.
    var candidates: [Int] = []
    for name in Set([leaf.issuer] + presented.map(\.issuer)) {
      for index in authoritiesBySubject[name] ?? [] where !candidates.contains(index) {
        candidates.append(index)
      }
    }
    guard !candidates.isEmpty else { throw .unknownAuthority }
    // Rounded down. OpenSSL ends a certificate with the second of notAfter, one before RFC 5280 does.
    let seconds = (now.milliseconds - (now.milliseconds % 1000 + 1000) % 1000) / 1000
    var found: (entry: AuthorityEntry, end: Int64)?
    var refusal: CertificateRefusal?
    for entry in candidates.map({ authorities[$0] }) {
      do {
        let end = try entry.trust.verify(leaf, presented: presented, at: seconds)
        guard found == nil else { throw CertificateRefusal.ambiguous }
        found = (entry, end)
      } catch let failure as TrustStore.Failure {
        // The most telling one: with equal names all but one fail for the key.
        if refusal == nil || failure != .untrusted { refusal = .chain(failure) }
      } catch {
        throw .ambiguous
      }
    }
    guard let found else { throw refusal ?? .unknownAuthority }
    guard !found.entry.certificates.contains(where: { sharedKeys.contains($0.spkiSHA256) }) else {
      throw .ambiguous
    }
    return VerifiedCertificate(
      principal: Principal(
        kind: .certificate,
        issuer: found.entry.record.name.description,
        name: try name(of: leaf, found.entry.record),
        cluster: found.entry.cluster?.description,
        environment: found.entry.environment
      ),
      sha256: leaf.sha256,
      expiresAt: Timestamp(milliseconds: 0).adding(seconds: found.end)
    )
  }

  private func name(
    of leaf: Certificate,
    _ record: AuthorityRecord
  ) throws(CertificateRefusal) -> String {
    let name: String
    switch record.nameSource {
    case .pinned:
      guard let pin = record.pins.first(where: { $0.spkiSHA256 == leaf.spkiSHA256 }) else {
        throw .notPinned
      }
      return pin.name
    case .uriSAN:
      guard leaf.uriNames.count == 1 else { throw .names }
      name = leaf.uriNames[0]
      if let trustDomain = record.trustDomain {
        guard SPIFFEID(name)?.trustDomain == trustDomain else { throw .trustDomain }
      }
    case .dnsSAN:
      guard leaf.dnsNames.count == 1 else { throw .names }
      name = leaf.dnsNames[0]
      guard !name.utf8.contains(UInt8(ascii: "*")) else { throw .names }
    }
    guard FieldRules.isPlainText(name, atMost: FieldRules.longestName) else { throw .names }
    guard record.names.isEmpty || record.names.contains(where: { $0.matches(name) }) else {
      throw .nameNotAllowed
    }
    return name
  }
}
