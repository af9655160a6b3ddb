import KeywardAuthn
import KeywardModel
import KeywardPolicy

/// What was found about letting somebody be some identities, under one revision of the policy.
///
/// Who makes a token of a name, or registers an issuer, can be whoever that name or issuer stands for.
/// So they must hold what the policy grants there, or hold `policy:escalate` (docs/policy.md).
struct IdentityGrants: Sendable {
  private let identities: [IdentitySet]
  private let revision: UInt64
  private let obstacle: ServiceError?

  /// Looks at what the policy grants; may take long, so not on the writing thread.
  init(_ identities: [IdentitySet], to caller: Caller, _ policy: PolicyRevision, now: Timestamp) {
    self.identities = identities
    revision = policy.number
    obstacle = Self.obstacle(identities, caller, policy, now)
  }

  private static func obstacle(
    _ identities: [IdentitySet],
    _ caller: Caller,
    _ policy: PolicyRevision,
    _ now: Timestamp
  ) -> ServiceError? {
    do throws(PolicyAnalysisError) {
      for set in identities {
        let escalation = try PolicyEscalation.find(
          policy.compiled,
          letting: caller.principal,
          be: set,
          time: now,
          source: caller.source
        )
        guard let escalation else { continue }
        return ServiceError(
          .forbidden,
          "It would give what you do not hold: \(escalation.example.words).",
          remedy: "Let somebody do it who holds that, or has policy:escalate."
        )
      }
      return nil
    } catch {
      // Not proved is not allowed.
      return ServiceError(
        .forbidden,
        "It cannot be shown that it gives only what you hold. \(error)",
        remedy: "Let somebody do it who has policy:escalate."
      )
    }
  }

  /// Throws what stands in the way of letting somebody be just these identities under just this
  /// revision.
  func check(_ identities: [IdentitySet], _ policy: PolicyRevision) throws(ServiceError) {
    guard identities == self.identities, policy.number == revision else {
      throw ServiceError(
        .conflict,
        "The policy or the registry changed meanwhile.",
        remedy: "Send the request again."
      )
    }
    if let obstacle { throw obstacle }
  }
}

extension Registry.Change {
  /// The identities that the record of the change vouches for.
  var identities: [IdentitySet] {
    switch self {
    case .putIssuer(let record): [record.identities(in: nil)]
    case .putAuthority(let record): [record.identities(in: nil)]
    case .putCluster(let cluster):
      cluster.issuers.map { $0.identities(in: cluster) }
        + cluster.authorities.map { $0.identities(in: cluster) }
    case .putRole(let record): [IdentitySet(record.principal)]
    case .remove: []
    }
  }

  /// Whether it takes certificates away from those that are registered, and does nothing else.
  func onlyRenewsLists(in registry: Registry) -> Bool {
    switch self {
    case .putAuthority(let record):
      registry.records.authorities[record.name].map(record.onlyRenewsLists) ?? false
    case .putCluster(let record):
      registry.records.clusters[record.name].map(record.onlyRenewsLists) ?? false
    case .putIssuer, .putRole, .remove: false
    }
  }
}

extension IssuerRecord {
  fileprivate func identities(in cluster: ClusterRecord?) -> IdentitySet {
    // Without one of its own, a claim can say the environment.
    let environment = environment ?? cluster?.environment
    return IdentitySet(
      kind: .jwt,
      issuers: [name.description],
      cluster: .exactly(cluster?.name.description),
      environment: environment.map { .exactly($0) } ?? .any
    )
  }
}

extension AuthorityRecord {
  fileprivate func identities(in cluster: ClusterRecord?) -> IdentitySet {
    IdentitySet(
      kind: .certificate,
      issuers: [name.description],
      cluster: .exactly(cluster?.name.description),
      environment: .exactly(environment ?? cluster?.environment)
    )
  }
}
