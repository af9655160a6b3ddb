import KeywardCrypto
package import KeywardModel

/// Who is known: an immutable snapshot of all issuers, authorities, clusters and machine roles.
///
/// A request takes one snapshot and decides by it. A change makes the next one.
package struct Registry: Sendable {
  /// Everything that is stored of the registry.
  package struct Records: Sendable, Hashable {
    package var issuers: [RegistryName: IssuerRecord] = [:]
    package var authorities: [RegistryName: AuthorityRecord] = [:]
    package var clusters: [RegistryName: ClusterRecord] = [:]
    package var roles: [RegistryName: MachineRoleRecord] = [:]

    package init() {}
  }

  /// A change of one record.
  package enum Change: Sendable {
    /// Adds a record, or puts it in the place of the one with its name.
    case putIssuer(IssuerRecord)
    case putAuthority(AuthorityRecord)
    case putCluster(ClusterRecord)
    case putRole(MachineRoleRecord)
    case remove(RegistryKind, RegistryName)
  }

  package let records: Records
  /// What is wrong with the records as a whole; what is concerned vouches for nobody.
  package let conflicts: [AuthnError]
  let issuers: [IssuerEntry]
  let authorities: [AuthorityEntry]
  /// Issuers by the bytes of their `iss`.
  let issuersByURL: [[UInt8]: [Int]]
  /// Authorities by the DER of their subject.
  let authoritiesBySubject: [[UInt8]: [Int]]
  /// Keys that two registrations share.
  let sharedKeys: Set<[UInt8]>
  let roles: DigestIndex<MachineRoleRecord>
  private let vouchers: Set<Voucher>

  package static let empty = Registry(Records())

  /// Builds a snapshot, also of records that do not fit each other: those are in ``conflicts``.
  ///
  /// - Parameters:
  ///   - records: All that is stored.
  ///   - keySets: The keys that were fetched for remote issuers.
  ///   - previous: A snapshot whose parsed keys and certificates are used again.
  package init(
    _ records: Records,
    keySets: [IssuerID: JSONWebKeySet] = [:],
    previous: Registry? = nil
  ) {
    self.records = records
    var build = RegistryBuild(keySets: keySets, previous: previous)
    for record in records.issuers.values.sorted(by: { $0.name < $1.name }) {
      build.add(record, cluster: nil)
    }
    for record in records.authorities.values.sorted(by: { $0.name < $1.name }) {
      build.add(record, cluster: nil)
    }
    for cluster in records.clusters.values.sorted(by: { $0.name < $1.name }) {
      for record in cluster.issuers { build.add(record, cluster: cluster) }
      for record in cluster.authorities { build.add(record, cluster: cluster) }
    }
    build.judge()
    conflicts = build.conflicts
    issuers = build.issuers
    authorities = build.authorities
    sharedKeys = build.sharedKeys
    var byURL: [[UInt8]: [Int]] = [:]
    for (index, entry) in issuers.enumerated() {
      byURL[Array(entry.record.url.utf8), default: []].append(index)
    }
    issuersByURL = byURL
    var bySubject: [[UInt8]: [Int]] = [:]
    for (index, entry) in authorities.enumerated() {
      for subject in Set(entry.certificates.map(\.subject)) {
        bySubject[subject, default: []].append(index)
      }
    }
    authoritiesBySubject = bySubject
    vouchers = Set(
      build.issuers.map { Voucher(.jwt, $0.cluster, $0.record.name) }
        + build.authorities.map { Voucher(.certificate, $0.cluster, $0.record.name) }
        + records.roles.keys.map { Voucher(.machineRole, nil, $0) }
    )
    roles = DigestIndex(
      records.roles.values.map { (MachineLogin.digest(of: $0.roleID.description), $0) }
    )
  }

  /// The snapshot after a change, or what the change would break.
  ///
  /// What was wrong before does not stand in the way of other changes.
  package func applying(_ change: Change) throws(AuthnError) -> Registry {
    var records = records
    switch change {
    case .putIssuer(let record): records.issuers[record.name] = record
    case .putAuthority(let record): records.authorities[record.name] = record
    case .putCluster(let record): records.clusters[record.name] = record
    case .putRole(let record): records.roles[record.name] = record
    case .remove(let kind, let name):
      switch kind {
      case .issuers: records.issuers[name] = nil
      case .authorities: records.authorities[name] = nil
      case .clusters: records.clusters[name] = nil
      case .roles: records.roles[name] = nil
      }
    }
    let next = Registry(records, keySets: keySets, previous: self)
    if let conflict = next.conflicts.first(where: { !conflicts.contains($0) }) { throw conflict }
    return next
  }

  /// The snapshot with keys that were fetched for a remote issuer; the same for an unknown one.
  package func with(_ keySet: JSONWebKeySet, for id: IssuerID) -> Registry {
    var keySets = keySets
    keySets[id] = keySet
    return Registry(records, keySets: keySets, previous: self)
  }

  /// Whether what vouched for an identity is still registered, under the same name and cluster; true
  /// for identities that no registration stands behind.
  ///
  /// A token and a vote outlive their login, and must not outlive this (V21).
  package func vouches(for principal: Principal) -> Bool {
    switch principal.kind {
    case .jwt, .certificate:
      vouchers.contains(Voucher(principal.kind, principal.cluster, principal.issuer))
    case .machineRole: vouchers.contains(Voucher(.machineRole, nil, principal.name))
    case .anonymous, .kmsSocket, .server, .token, .unixPeer: true
    }
  }

  /// The issuers whose keys have to be fetched, and from where.
  package var remoteIssuers: [(id: IssuerID, source: KeySource, hasKeys: Bool)] {
    issuers.filter(\.isRemote).map { ($0.id, $0.record.keySource, $0.keySet != nil) }
  }

  /// The presets of a policy issuer's name: what a lint of bindings asks
  /// ``Preset/broadness(of:)`` with.
  package func preset(ofIssuer name: String) -> Preset? {
    issuers.first { FieldRules.isSame($0.record.name.description, name) }?.record.preset
  }

  private var keySets: [IssuerID: JSONWebKeySet] {
    var sets: [IssuerID: JSONWebKeySet] = [:]
    for entry in issuers where entry.isRemote { sets[entry.id] = entry.keySet }
    return sets
  }
}

/// What vouches for identities: an issuer or authority of a cluster or of none, or a machine role.
private struct Voucher: Hashable, Sendable {
  let kind: Principal.Kind
  let cluster: String?
  let name: String

  init(_ kind: Principal.Kind, _ cluster: String?, _ name: String) {
    self.kind = kind
    self.cluster = cluster
    self.name = name
  }

  init(_ kind: Principal.Kind, _ cluster: RegistryName?, _ name: RegistryName) {
    self.init(kind, cluster?.description, name.description)
  }
}
