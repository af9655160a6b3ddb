import KeywardAuthn
import KeywardCrypto
import KeywardKeyring
import KeywardModel
import KeywardStore
import Synchronization

/// Who may come in: identities, tokens and approvals while the server is unsealed.
///
/// A copy in memory of what the store has. Changes are written first, on the writing thread, and shown
/// here once they are durable.
package final class AccessState: Sendable {
  /// Hashes tokens, secret ids and the digests of requests, so that none of them is in the store.
  let credentialKey: HMACKey
  private let identities: Mutex<IdentityBook>
  private let approvals: Mutex<ApprovalBook>
  private let credentials: Mutex<CredentialBook>
  let lockout = Mutex(Lockout())
  let replays: Mutex<ReplayCache>
  let anonymous = Mutex(AnonymousBudget())
  let verdicts = Mutex<[[UInt8]: CertificateVerdict]>([:])

  /// Reads every record; throws the first that does not read, which a verified store does not have.
  init(_ records: [StoredRecord], rootKey: RootKey, now: Timestamp) throws(ServiceError) {
    replays = Mutex(ReplayCache(begin: now))
    do {
      credentialKey = try HMACKey(.sha256, key: try rootKey.subkey(.credentials).bytes)
    } catch let error as KeyringError {
      throw ServiceError(error)
    } catch {
      throw ServiceError(.internalError, "A key could not be derived.")
    }
    var book = ApprovalBook()
    var credentials = CredentialBook()
    do {
      identities = Mutex(IdentityBook(Registry(try Registry.Records(records))))
      for record in records {
        switch record.kind {
        case .approval: book.put(try Self.approval(record))
        case .token: credentials.put(try TokenRecord(decoding: record.body))
        case .secretID: credentials.put(try SecretIDRecord(decoding: record.body))
        case .authority, .cluster, .destination, .environment, .export, .importKey, .issuer,
          .policy,
          .role, .secret, .secretUse, .secretVersion:
          break
        }
      }
    } catch let error as ServiceError {
      throw error
    } catch {
      throw ServiceError(
        .tampered,
        "A stored identity cannot be read: \(error)",
        remedy: "Restore a backup."
      )
    }
    approvals = Mutex(book)
    self.credentials = Mutex(credentials)
  }

  private static func approval(_ record: StoredRecord) throws(ServiceError) -> ApprovalRecord {
    do throws(ApprovalRecord.Unreadable) {
      return try ApprovalRecord(decoding: record.body)
    } catch {
      switch error {
      case .malformed: throw unreadable(record)
      case .unknownOperation(let name):
        throw ServiceError(
          .tampered,
          "The request for approval \(record.id) reaches '\(name)', an operation that this version "
            + "does not know.",
          remedy: "Start the version of Keyward that wrote it, or a later one."
        )
      }
    }
  }

  static func unreadable(_ record: StoredRecord) -> ServiceError {
    ServiceError(
      .tampered,
      "The stored record \(record.kind.rawValue)/\(record.id) cannot be read.",
      remedy: "Restore a backup."
    )
  }

  /// The identities that are registered, as they are now.
  var registry: Registry { identities.withLock { $0.registry } }

  func withIdentities<R, E: Error>(_ body: (inout IdentityBook) throws(E) -> R) throws(E) -> R {
    try identities.withLock { book throws(E) in try body(&book) }
  }

  func withApprovals<R, E: Error>(_ body: (inout ApprovalBook) throws(E) -> R) throws(E) -> R {
    try approvals.withLock { book throws(E) in try body(&book) }
  }

  func withCredentials<R, E: Error>(_ body: (inout CredentialBook) throws(E) -> R) throws(E) -> R {
    try credentials.withLock { book throws(E) in try body(&book) }
  }

  /// The form in which the digest of a request is stored: a body with a short secret could be guessed
  /// from the plain one.
  func sealed(_ digest: RequestDigest) -> RequestDigest? {
    RequestDigest(credentialKey.authenticate(Array("keyward/request/1".utf8) + digest.bytes))
  }
}

/// The outcome for one chain of certificates, as long as nothing changed.
struct CertificateVerdict: Sendable {
  let generation: Int
  /// Checked again after this: certificates and lists end with time.
  let until: Timestamp
  let outcome: CertificateOutcome
}

extension AccessState {
  private static let verdictLife: Int64 = 10
  private static let mostVerdicts = 4096

  /// Whose certificate it is; a chain that was verified a moment ago under the same registry is not
  /// verified again.
  func verify(_ chain: [[UInt8]], now: Timestamp) -> CertificateOutcome {
    let (registry, generation) = withIdentities { ($0.registry, $0.generation) }
    // By digest: strangers can show chains of any size.
    var record = RecordWriter("keyward/v1/chain")
    for certificate in chain { record.add(certificate) }
    let name = Digest.sha256(record.bytes)
    let known = verdicts.withLock { $0[name] }
    if let known, known.generation == generation, now < known.until { return known.outcome }
    let outcome = registry.verify(chainDER: chain, now: now)
    var until = now.adding(seconds: Self.verdictLife)
    if case .accepted(let certificate) = outcome { until = min(until, certificate.expiresAt) }
    let verdict = CertificateVerdict(generation: generation, until: until, outcome: outcome)
    verdicts.withLock { verdicts in
      if verdicts.count >= Self.mostVerdicts { verdicts.removeAll() }
      verdicts[name] = verdict
    }
    return outcome
  }
}
