import KeywardCrypto
import KeywardModel

/// Collects the entries of a registry, and what does not fit together.
struct RegistryBuild {
  let keySets: [IssuerID: JSONWebKeySet]
  let previous: Registry?
  private(set) var issuers: [IssuerEntry] = []
  private(set) var authorities: [AuthorityEntry] = []
  private(set) var conflicts: [AuthnError] = []
  private(set) var sharedKeys: Set<[UInt8]> = []

  init(keySets: [IssuerID: JSONWebKeySet], previous: Registry?) {
    self.keySets = keySets
    self.previous = previous
  }

  mutating func add(_ record: IssuerRecord, cluster: ClusterRecord?) {
    var entry = IssuerEntry(
      record: record,
      cluster: cluster?.name,
      environment: record.environment ?? cluster?.environment
    )
    switch record.keySource {
    case .pinned(let text):
      let parsed = previous?.issuers.first {
        $0.record.keySource == record.keySource && $0.keySet != nil
      }
      if let parsed {
        entry.keySet = parsed.keySet
      } else {
        do {
          entry.keySet = try JSONWebKeySet(text)
        } catch {
          conflicts.append(AuthnError("The keys of the issuer \(entry.id) cannot be read."))
        }
      }
    case .url, .discovery:
      entry.keySet = keySets[entry.id]
    }
    issuers.append(entry)
  }

  mutating func add(_ record: AuthorityRecord, cluster: ClusterRecord?) {
    let environment = record.environment ?? cluster?.environment
    let parsed = previous?.authorities.first {
      $0.record == record && $0.cluster == cluster?.name && $0.environment == environment
    }
    if let parsed {
      authorities.append(parsed)
      return
    }
    do {
      authorities.append(
        try AuthorityEntry(record, cluster: cluster?.name, environment: environment)
      )
    } catch {
      conflicts.append(error)
    }
  }

  /// Looks for what makes one registration pass for another.
  mutating func judge() {
    judgeNames()
    judgeURLs()
    judgeKeys()
    judgeAuthorities()
  }

  /// One policy name is one kind of issuer: bindings know it by its name alone.
  ///
  /// A cluster's record could else take the name of an issuer that belongs to no cluster, and its
  /// identities what that issuer's were granted.
  private mutating func judgeNames() {
    struct Use: Equatable {
      let kind: String
      let isOfCluster: Bool
    }
    var uses: [RegistryName: Use] = [:]
    var places: Set<String> = []
    let all =
      issuers.map { ($0.record.name, $0.cluster, $0.record.preset.rawValue) }
      + authorities.map { ($0.record.name, $0.cluster, "an authority") }
    for (name, cluster, kind) in all {
      let use = Use(kind: kind, isOfCluster: cluster != nil)
      if let other = uses[name], other != use {
        conflicts.append(
          AuthnError(
            "The issuer name '\(name)' is in use for another kind of issuer, or inside and outside of clusters.",
            remedy: "Choose another name: bindings know an issuer by its name."
          )
        )
      }
      uses[name] = use
      // An authority has no `iss` to tell two of one name apart.
      guard kind == "an authority" else { continue }
      if !places.insert("\(cluster?.description ?? "")/\(name)").inserted {
        conflicts.append(
          AuthnError(
            "The authority name '\(name)' is there twice in one place.",
            remedy: "Put the certificates of one authority into one entry."
          )
        )
      }
    }
  }

  /// One `iss` is registered once in a cluster, and once outside of clusters.
  private mutating func judgeURLs() {
    var places: Set<String> = []
    for entry in issuers
    where !places.insert("\(entry.cluster?.description ?? "")/\(entry.record.url)").inserted {
      conflicts.append(
        AuthnError("The issuer \(entry.id) is there twice.", remedy: "Remove one of the two.")
      )
    }
  }

  /// No key verifies tokens of two clusters, or of a cluster and an issuer outside.
  ///
  /// Within a cluster, and among the issuers outside, keys may be shared: an API server signs for all
  /// its `iss` with one, and so does a host such as Azure for all organizations. Their `iss` differ,
  /// and it is signed.
  private mutating func judgeKeys() {
    var owners: [[UInt8]: IssuerEntry] = [:]
    for entry in issuers {
      for key in entry.keySet?.keys ?? [] {
        guard let other = owners[key.fingerprint] else {
          owners[key.fingerprint] = entry
          continue
        }
        let isSameEntry = other.id == entry.id
        guard !isSameEntry, other.cluster != entry.cluster else { continue }
        sharedKeys.insert(key.fingerprint)
        conflicts.append(
          AuthnError(
            "The issuers \(other.id) and \(entry.id) have a key in common.",
            remedy: "Give each its own key: a token of one would pass for the other."
          )
        )
      }
    }
  }

  /// No two authorities have one key.
  private mutating func judgeAuthorities() {
    var owners: [[UInt8]: Int] = [:]
    for (index, entry) in authorities.enumerated() {
      for certificate in entry.certificates {
        let owner = owners[certificate.spkiSHA256, default: index]
        owners[certificate.spkiSHA256] = owner
        guard owner != index else { continue }
        sharedKeys.insert(certificate.spkiSHA256)
        let names = [authorities[owner], entry].map { authority in
          (authority.cluster.map { "\($0)/" } ?? "") + authority.record.name.description
        }
        conflicts.append(
          AuthnError(
            "The authorities \(names[0]) and \(names[1]) have a key in common.",
            remedy: "Register it once: a certificate of one would pass for the other."
          )
        )
      }
    }
  }
}
