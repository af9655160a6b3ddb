import KeywardCrypto

extension AuthorityRecord {
  /// Whether the record is `old` with revocation lists that are no older, and nothing else.
  ///
  /// Such a change takes certificates away and gives none back: who may publish lists need not be who
  /// registers authorities.
  package func onlyRenewsLists(of old: AuthorityRecord) -> Bool {
    guard revocationLists != old.revocationLists, withoutLists == old.withoutLists else {
      return false
    }
    let newest = Self.newest(revocationLists)
    let before = Self.newest(old.revocationLists)
    guard let newest, let before else { return false }
    return before.allSatisfy { issuer, thisUpdate in
      newest[issuer].map { $0 >= thisUpdate } ?? false
    }
  }

  /// For each issuer of a list the oldest `thisUpdate`; nil if a list cannot be read.
  private static func newest(_ lists: [[UInt8]]) -> [[UInt8]: Int64]? {
    var found: [[UInt8]: Int64] = [:]
    for der in lists {
      guard let list = try? RevocationList(der: der) else { return nil }
      found[list.issuer] = min(found[list.issuer] ?? .max, list.thisUpdate)
    }
    return found
  }
}

extension ClusterRecord {
  /// As ``AuthorityRecord/onlyRenewsLists(of:)``, for the authorities of a cluster.
  package func onlyRenewsLists(of old: ClusterRecord) -> Bool {
    guard self != old, name == old.name, environment == old.environment, issuers == old.issuers,
      authorities.count == old.authorities.count
    else { return false }
    return zip(authorities, old.authorities).allSatisfy { new, old in
      new == old || new.onlyRenewsLists(of: old)
    }
  }
}
