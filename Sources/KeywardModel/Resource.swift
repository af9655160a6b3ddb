/// What an operation is done to: a path of segments, as policy and audit spell it.
package enum Resource: Hashable, Sendable, CustomStringConvertible {
  /// One key, by name: `keys/etcd/prod-eu`.
  case key(KeyName)
  /// All keys, for listing: `keys`.
  case keys
  /// The audit log: `audit`.
  case audit
  /// The server: seal, keyring, backup, fsck: `system`.
  case system
  /// The policy: `policy`.
  case policy
  /// All records of one kind of the identity registry, for listing: `auth/issuers`.
  case registry(RegistryKind)
  /// One record of the identity registry: `auth/issuers/github`.
  case registered(RegistryKind, RegistryName)
  /// Access tokens: `auth/tokens`.
  case tokens
  /// The tokens of one name, for making one: `auth/tokens/ci`.
  case token(TokenName)
  /// Requests for approval: `approvals`.
  case approvals
  /// One secret in the environment that is asked for: `secrets/prod-eu/payments/db`.
  case secret(EnvironmentName, SecretName)
  /// All secrets, for listing: `secrets`.
  case secrets
  /// One environment: `environments/prod-eu`.
  case environment(EnvironmentName)
  /// All environments, for listing: `environments`.
  case environments
  /// All destinations of exports, for listing: `destinations`.
  case destinations
  /// One destination of exports: `destinations/aws-prod`.
  case destination(RegistryName)
  /// The inventory of exports: `exports`. A single export belongs to its key.
  case exports
  /// The caller's own identity and token: `self`.
  case own

  package var description: String {
    switch self {
    case .key(let name): "keys/" + name.description
    case .keys: "keys"
    case .audit: "audit"
    case .system: "system"
    case .policy: "policy"
    case .registry(let kind): "auth/" + kind.rawValue
    case .registered(let kind, let name): "auth/" + kind.rawValue + "/" + name.description
    case .tokens: "auth/tokens"
    case .token(let name): "auth/tokens/" + name.description
    case .approvals: "approvals"
    case .secret(let environment, let name): "secrets/\(environment)/\(name)"
    case .secrets: "secrets"
    case .environment(let name): "environments/" + name.description
    case .environments: "environments"
    case .destinations: "destinations"
    case .destination(let name): "destinations/" + name.description
    case .exports: "exports"
    case .own: "self"
    }
  }

  /// Reads what ``description`` spells; nil for any other path.
  package init?(path: String) {
    let parts = path.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
    switch parts.first {
    case "keys" where parts.count == 1: self = .keys
    case "keys":
      guard let name = try? KeyName(String(path.dropFirst("keys/".count))) else { return nil }
      self = .key(name)
    case "auth" where parts.count == 2 && parts[1] == "tokens": self = .tokens
    case "auth" where parts.count == 2:
      guard let kind = RegistryKind(rawValue: String(parts[1])) else { return nil }
      self = .registry(kind)
    case "auth" where parts.count == 3 && parts[1] == "tokens":
      guard let name = TokenName(String(parts[2])) else { return nil }
      self = .token(name)
    case "auth" where parts.count == 3:
      guard let kind = RegistryKind(rawValue: String(parts[1])),
        let name = RegistryName(String(parts[2]))
      else { return nil }
      self = .registered(kind, name)
    case "secrets" where parts.count == 3:
      guard let environment = try? EnvironmentName(String(parts[1])),
        let name = try? SecretName(String(parts[2]))
      else { return nil }
      self = .secret(environment, name)
    case "environments" where parts.count == 2:
      guard let name = try? EnvironmentName(String(parts[1])) else { return nil }
      self = .environment(name)
    case "destinations" where parts.count == 2:
      guard let name = RegistryName(String(parts[1])) else { return nil }
      self = .destination(name)
    default:
      let plain: [Resource] = [
        .audit, .system, .policy, .approvals, .secrets, .environments, .destinations, .exports,
        .own,
      ]
      guard let resource = plain.first(where: { $0.description == path }) else { return nil }
      self = resource
    }
  }

  /// The path that policy matches, segment by segment; never empty.
  package var segments: [Substring] { description.split(separator: "/") }
}

/// The kinds of records that say who is who.
package enum RegistryKind: String, CaseIterable, Hashable, Sendable, Codable {
  /// Kubernetes clusters, each with the issuer of its tokens and the authorities of its certificates.
  case clusters
  /// Issuers of JWTs that belong to no cluster.
  case issuers
  /// Certificate authorities that belong to no cluster.
  case authorities
  /// Machine roles: a role id and secret ids for a system without an identity of its own.
  case roles
}

/// The name of a record of the registry: one segment of 1 to 64 of `a-z 0-9 . _ -`, beginning with a
/// letter or digit.
///
/// Lower case only, so that no two names differ by case alone.
package struct RegistryName: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let description: String

  /// Takes a name of this shape, else nil.
  package init?(_ text: String) {
    guard (1...64).contains(text.utf8.count) else { return nil }
    for (index, byte) in text.utf8.enumerated() {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): break
      case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        guard index > 0 else { return nil }
      default: return nil
      }
    }
    description = text
  }

  package static func < (left: RegistryName, right: RegistryName) -> Bool {
    left.description < right.description
  }
}
