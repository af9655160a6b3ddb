import KeywardCrypto
import KeywardModel

/// The entry points of the fuzzers: each takes any bytes and must return.
///
/// A trap here is a finding: either a reader trapped on outside bytes, or a property that the
/// `precondition`s state does not hold.
package enum AuthnFuzzTargets {
  /// Reads a token, and its claims as every preset does, as if its signature had verified.
  package static func token(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    let payload = (try? CompactJWS(text))?.payload ?? bytes
    guard let claims = try? JWTClaims(payload) else { return }
    let now = Timestamp(milliseconds: 1_790_000_000_000)
    _ = try? claims.checkAudience(["keyward"])
    let life = try? claims.life(at: now, longest: 86_400)
    precondition(life.map { $0.expiresAt > now } ?? true)
    for preset in Preset.allCases {
      let document = IssuerDocument(
        preset: preset.rawValue,
        url: "https://issuer.example.org/x",
        audiences: ["keyward"],
        discovery: true,
        trustDomain: preset == .spiffe ? "example.org" : nil
      )
      guard let name = RegistryName("fuzz"),
        let record = try? IssuerRecord(document, path: name),
        let identity = try? preset.identity(claims, record)
      else { continue }
      precondition(identity.claims.count <= Preset.mostClaims)
      precondition(FieldRules.isPlainText(identity.name, atMost: FieldRules.longestName))
      precondition(
        identity.claims.values.allSatisfy { FieldRules.isPlainText($0, atMost: 1024) }
      )
    }
  }

  /// Reads a key set; every key that is taken has one algorithm at least.
  package static func keySet(_ bytes: [UInt8]) {
    guard let set = try? JSONWebKeySet(bytes) else { return }
    precondition(
      set.keys.allSatisfy { key in JWSAlgorithm.allCases.contains { key.takes($0) } }
    )
  }

  /// Reads a certificate and a revocation list.
  package static func certificate(_ bytes: [UInt8]) {
    _ = try? RevocationList(der: bytes)
    guard let certificate = try? Certificate(der: bytes) else { return }
    precondition(certificate.sha256 == Digest.sha256(bytes))
    // With itself as the only authority, if it is one: nobody vouches for himself.
    guard let store = try? TrustStore(anchors: [certificate]) else { return }
    let end = try? store.verify(certificate, presented: [certificate], at: 1_790_000_000)
    precondition(end == nil)
  }

  /// Reads each kind of record; what is read must be written and read back as the same.
  package static func record(_ bytes: [UInt8]) {
    if let record = try? IssuerRecord(decoding: bytes) {
      precondition((try? IssuerRecord(decoding: record.encoded)) == record)
    }
    if let record = try? AuthorityRecord(decoding: bytes) {
      precondition((try? AuthorityRecord(decoding: record.encoded)) == record)
    }
    if let record = try? ClusterRecord(decoding: bytes) {
      precondition((try? ClusterRecord(decoding: record.encoded)) == record)
    }
    if let record = try? MachineRoleRecord(decoding: bytes) {
      precondition((try? MachineRoleRecord(decoding: record.encoded)) == record)
    }
    if let record = try? SecretIDRecord(decoding: bytes) {
      precondition((try? SecretIDRecord(decoding: record.encoded)) == record)
    }
    if let record = try? TokenRecord(decoding: bytes) {
      precondition((try? TokenRecord(decoding: record.encoded)) == record)
    }
  }
}
