/// Who asks: an authenticated identity, never a claim of the request itself.
///
/// Its attributes come from what proved the identity and from the registry of issuers and clusters.
/// Policy decides by them alone. A class, since each request hands its principal from one part to the next:
/// it never changes, and two with the same attributes are equal.
package final class Principal: Hashable, Sendable {
  /// How the identity was proved.
  package enum Kind: String, Sendable, Codable, CaseIterable {
    /// The server itself: rotation, destruction and rewrap that fall due.
    case server
    /// A process on the other end of a Unix socket, named by the kernel (SO_PEERCRED).
    case unixPeer = "unix-peer"
    /// The kube-apiserver on a KMS socket.
    case kmsSocket = "kms-socket"
    /// An access token that an administrator made, for a system without an identity of its own.
    case token
    /// A role id with a secret id.
    case machineRole = "machine-role"
    /// A TLS client certificate of a registered authority.
    case certificate
    /// A JWT of a registered issuer.
    case jwt
    /// Nobody: a request that proved no identity, such as a login before it succeeds.
    case anonymous
  }

  package let kind: Kind
  /// The registered name of who vouches for the identity: an issuer's or an authority's name, or one
  /// of the reserved names of ``BuiltInIssuer``.
  package let issuer: String
  /// The subject within the issuer: `uid:0`, a socket's key name, a SAN, a `sub`, a role's name.
  package let name: String
  /// The cluster that the issuer belongs to in the registry; nobody can claim it for themselves.
  package let cluster: String?
  /// The environment, from the registry or from a mapped claim.
  package let environment: String?
  /// The claims that the issuer's registration lets through, by name; at most 16.
  package let claims: [String: String]
  package let uid: UInt32?
  package let pid: Int32?

  package init(
    kind: Kind,
    issuer: String? = nil,
    name: String,
    cluster: String? = nil,
    environment: String? = nil,
    claims: [String: String] = [:],
    uid: UInt32? = nil,
    pid: Int32? = nil
  ) {
    self.kind = kind
    self.issuer = issuer ?? BuiltInIssuer(kind).rawValue
    self.name = name
    self.cluster = cluster
    self.environment = environment
    self.claims = claims
    self.uid = uid
    self.pid = pid
  }

  package static func == (one: Principal, other: Principal) -> Bool {
    one === other
      || one.kind == other.kind && one.issuer == other.issuer && one.name == other.name
        && one.cluster == other.cluster && one.environment == other.environment
        && one.claims == other.claims && one.uid == other.uid && one.pid == other.pid
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(kind)
    hasher.combine(issuer)
    hasher.combine(name)
    hasher.combine(cluster)
    hasher.combine(environment)
    hasher.combine(claims)
    hasher.combine(uid)
    hasher.combine(pid)
  }

  package static let server = Principal(kind: .server, name: "server")
  package static let anonymous = Principal(kind: .anonymous, name: "anonymous")

  /// Whether both are one identity: what counts for self-approval, lockout and ownership.
  ///
  /// Claims and the process do not count: two pipelines of one `sub` are one identity.
  package func isSameIdentity(as other: Principal) -> Bool {
    kind == other.kind && issuer == other.issuer && name == other.name && cluster == other.cluster
  }
}

/// The names of issuers that are there without a registration; none can be registered.
package enum BuiltInIssuer: String, CaseIterable, Sendable {
  case server
  case unix
  case kms
  case tokens
  case roles
  case anonymous

  /// The issuer of a kind that has just one; kinds that are registered fall to `anonymous`, which no
  /// binding can name.
  init(_ kind: Principal.Kind) {
    switch kind {
    case .server: self = .server
    case .unixPeer: self = .unix
    case .kmsSocket: self = .kms
    case .token: self = .tokens
    case .machineRole: self = .roles
    case .certificate, .jwt, .anonymous: self = .anonymous
    }
  }
}
