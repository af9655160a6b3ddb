import KeywardModel

/// One registration of an issuer, ready to verify.
struct IssuerEntry: Sendable {
  let record: IssuerRecord
  let cluster: RegistryName?
  /// Of the record, or of the cluster.
  let environment: String?
  /// Nil while the keys of a remote issuer have not been fetched.
  var keySet: JSONWebKeySet?

  var id: IssuerID { IssuerID(cluster: cluster, name: record.name, url: record.url) }

  /// Whether the keys can be fetched anew.
  var isRemote: Bool {
    if case .pinned = record.keySource { return false }
    return true
  }
}
