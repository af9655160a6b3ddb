package import KeywardModel

/// What an operation is done to.
package enum Resource: Hashable, Sendable, CustomStringConvertible {
  /// One key, by name.
  case key(KeyName)
  /// All keys, for listing.
  case keys
  /// The audit log.
  case audit
  /// The server: seal, keyring, backup, fsck.
  case system

  /// The spelling of policy and audit: `keys/etcd/prod-eu`, `keys`, `audit`, `system`.
  package var description: String {
    switch self {
    case .key(let name): "keys/" + name.description
    case .keys: "keys"
    case .audit: "audit"
    case .system: "system"
    }
  }
}
