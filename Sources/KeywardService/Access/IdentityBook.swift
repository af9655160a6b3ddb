import KeywardAuthn
import KeywardModel
import KeywardStore

/// The registry of identities and the keys of remote issuers; a value.
struct IdentityBook: Sendable {
  private(set) var registry: Registry
  /// Counts the snapshots: what was decided by one does not count under the next.
  private(set) var generation = 0
  private var keySets: [IssuerID: JSONWebKeySet] = [:]
  private var freshness: [IssuerID: KeySetFreshness] = [:]

  init(_ registry: Registry) {
    self.registry = registry
  }

  mutating func replace(_ registry: Registry) {
    let before = sources
    self.registry = registry
    generation += 1
    // Keys are of the place that they came from: a record that names another place has none yet.
    let after = sources
    keySets = keySets.filter { after[$0.key] != nil && after[$0.key] == before[$0.key] }
    freshness = freshness.filter { after[$0.key] != nil && after[$0.key] == before[$0.key] }
    rebuild()
  }

  /// Where the keys of each remote issuer come from.
  private var sources: [IssuerID: KeySource] {
    Dictionary(registry.remoteIssuers.map { ($0.id, $0.source) }) { first, _ in first }
  }

  /// The remote issuers whose keys are to be fetched now; each is taken as being fetched.
  ///
  /// Keys that are too old without their issuer having been reached are dropped first.
  mutating func due(at now: Timestamp) -> [(id: IssuerID, source: KeySource)] {
    let stale = keySets.keys.filter { !(freshness[$0]?.areUsable(now: now) ?? false) }
    if !stale.isEmpty {
      for id in stale { keySets[id] = nil }
      rebuild()
    }
    return registry.remoteIssuers.compactMap { issuer in
      freshness[issuer.id, default: KeySetFreshness()].tick(now: now)
        ? (issuer.id, issuer.source) : nil
    }
  }

  /// Of these issuers, which lack the key of some token, those that may be asked again now.
  mutating func unknownKey(
    _ ids: [IssuerID],
    at now: Timestamp
  ) -> [(id: IssuerID, source: KeySource)] {
    registry.remoteIssuers.compactMap { issuer in
      guard ids.contains(issuer.id),
        freshness[issuer.id, default: KeySetFreshness()].unknownKey(now: now)
      else { return nil }
      return (issuer.id, issuer.source)
    }
  }

  /// Takes keys that came, unless they are in the way of others; returns what was in the way.
  ///
  /// An issuer that shows somebody else's key among its own must not make that one's tokens ambiguous.
  mutating func fetched(
    _ keySet: JSONWebKeySet,
    for id: IssuerID,
    from source: KeySource,
    at now: Timestamp
  ) -> AuthnError? {
    // What was on its way while the record changed is not of the place that it names now.
    guard sources[id] == source else { return nil }
    var sets = keySets
    sets[id] = keySet
    let next = Registry(registry.records, keySets: sets, previous: registry)
    if let conflict = next.conflicts.first(where: { !registry.conflicts.contains($0) }) {
      failed(id)
      return conflict
    }
    freshness[id, default: KeySetFreshness()].fetched(now: now)
    keySets = sets
    registry = next
    generation += 1
    return nil
  }

  mutating func failed(_ id: IssuerID) {
    freshness[id]?.failed()
  }

  private mutating func rebuild() {
    registry = Registry(registry.records, keySets: keySets, previous: registry)
    generation += 1
  }
}

extension Registry.Records {
  /// Reads what the store keeps.
  init(_ records: [StoredRecord]) throws(AuthnError) {
    self.init()
    for record in records {
      switch record.kind {
      case .authority:
        let authority = try AuthorityRecord(decoding: record.body)
        authorities[authority.name] = authority
      case .cluster:
        let cluster = try ClusterRecord(decoding: record.body)
        clusters[cluster.name] = cluster
      case .issuer:
        let issuer = try IssuerRecord(decoding: record.body)
        issuers[issuer.name] = issuer
      case .role:
        let role = try MachineRoleRecord(decoding: record.body)
        roles[role.name] = role
      case .approval, .destination, .environment, .export, .importKey, .policy, .secret, .secretID,
        .secretUse, .secretVersion, .token:
        break
      }
    }
  }
}

extension Registry {
  /// The names of all records of a kind, in order.
  func names(_ kind: RegistryKind) -> [RegistryName] {
    switch kind {
    case .clusters: records.clusters.keys.sorted()
    case .issuers: records.issuers.keys.sorted()
    case .authorities: records.authorities.keys.sorted()
    case .roles: records.roles.keys.sorted()
    }
  }

  /// A record as the store keeps it; nil if there is none.
  func stored(_ kind: RegistryKind, _ name: RegistryName) -> StoredRecord? {
    switch kind {
    case .clusters:
      records.clusters[name].map {
        StoredRecord(kind: .cluster, id: name.description, body: $0.encoded)
      }
    case .issuers:
      records.issuers[name].map {
        StoredRecord(kind: .issuer, id: name.description, body: $0.encoded)
      }
    case .authorities:
      records.authorities[name].map {
        StoredRecord(kind: .authority, id: name.description, body: $0.encoded)
      }
    case .roles:
      records.roles[name].map {
        StoredRecord(kind: .role, id: name.description, body: $0.encoded)
      }
    }
  }
}
