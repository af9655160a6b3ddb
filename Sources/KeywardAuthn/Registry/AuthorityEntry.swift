import KeywardCrypto
import KeywardModel

/// One registration of an authority, ready to verify.
///
/// Everything is parsed when the registry is built, revocation lists too: the first request after a
/// start sees what every other sees (V07).
struct AuthorityEntry: Sendable {
  let record: AuthorityRecord
  let cluster: RegistryName?
  /// Of the record, or of the cluster.
  let environment: String?
  let certificates: [Certificate]
  let trust: TrustStore

  init(
    _ record: AuthorityRecord,
    cluster: RegistryName?,
    environment: String?
  ) throws(AuthnError) {
    self.record = record
    self.cluster = cluster
    self.environment = environment
    do {
      var certificates: [Certificate] = []
      for der in record.certificates { certificates.append(try Certificate(der: der)) }
      var lists: [RevocationList] = []
      for der in record.revocationLists { lists.append(try RevocationList(der: der)) }
      self.certificates = certificates
      trust = try TrustStore(anchors: certificates, revocationLists: lists)
    } catch {
      throw AuthnError("The certificates of the authority '\(record.name)' cannot be read.")
    }
  }
}
