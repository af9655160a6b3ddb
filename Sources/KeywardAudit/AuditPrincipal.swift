package import KeywardModel

/// Who asked for an operation.
package struct AuditPrincipal: Equatable, Sendable {
  /// How the caller was authenticated.
  package enum Kind: String, Sendable, CaseIterable {
    /// The server itself.
    case server
    /// The peer of a Unix socket, known by its uid.
    case unixPeer = "unix-peer"
    /// The kube-apiserver on a KMS socket.
    case kmsSocket = "kms-socket"
    /// A bearer token.
    case token
    /// A role id with a secret id.
    case appRole = "approle"
    /// A TLS client certificate.
    case certificate
    /// A JWT of an OIDC issuer.
    case oidc
    /// A Kubernetes service account.
    case serviceAccount = "service-account"
    /// Nobody known: the request was refused before, or without, authentication.
    case anonymous
  }

  /// The kind of authentication.
  package let kind: Kind
  /// The caller's name, at most 256 bytes.
  package let name: String
  /// Who vouches for the identity, as policy names it; nil where the kind says it all.
  ///
  /// At most 64 bytes, like the cluster and the environment.
  package let issuer: String?
  package let cluster: String?
  package let environment: String?
  /// At most ``maximumClaims`` claims in the order of their names, of at most 64 and 128 bytes.
  package let claims: [Claim]
  /// The uid of a Unix peer.
  package let uid: UInt32?
  /// The process id of a Unix peer at the time it connected.
  package let pid: UInt32?

  /// One attribute that the issuer's registration lets through.
  package struct Claim: Equatable, Sendable {
    package let name: String
    package let value: String
  }

  /// The number of claims that an entry has room for.
  package static let maximumClaims = 16

  /// Builds a principal; text is bounded and escaped, claims beyond the maximum are left out.
  package init(
    kind: Kind,
    name: String,
    issuer: String? = nil,
    cluster: String? = nil,
    environment: String? = nil,
    claims: [String: String] = [:],
    uid: UInt32? = nil,
    pid: UInt32? = nil
  ) {
    var bounded: [String: String] = [:]
    for (name, value) in claims {
      bounded[AuditText.attribute.bounded(name)] = AuditText.claim.bounded(value)
    }
    self.init(
      verbatim: AuditText.principal.bounded(name),
      kind: kind,
      issuer: issuer.map(AuditText.attribute.bounded),
      cluster: cluster.map(AuditText.attribute.bounded),
      environment: environment.map(AuditText.attribute.bounded),
      claims: bounded.map { Claim(name: $0.key, value: $0.value) }
        .sorted { $0.name < $1.name }
        .prefix(Self.maximumClaims)
        .map { $0 },
      uid: uid,
      pid: pid
    )
  }

  /// Takes the principal of a request.
  package init(_ principal: Principal) {
    let kind: Kind =
      switch principal.kind {
      case .server: .server
      case .unixPeer: .unixPeer
      case .kmsSocket: .kmsSocket
      case .token: .token
      case .machineRole: .appRole
      case .certificate: .certificate
      case .jwt: .oidc
      case .anonymous: .anonymous
      }
    self.init(
      kind: kind,
      name: principal.name,
      issuer: BuiltInIssuer(rawValue: principal.issuer) == nil ? principal.issuer : nil,
      cluster: principal.cluster,
      environment: principal.environment,
      claims: principal.claims,
      uid: principal.uid,
      pid: principal.pid.map { UInt32(clamping: $0) }
    )
  }

  init(
    verbatim name: String,
    kind: Kind,
    issuer: String?,
    cluster: String?,
    environment: String?,
    claims: [Claim],
    uid: UInt32?,
    pid: UInt32?
  ) {
    self.kind = kind
    self.name = name
    self.issuer = issuer
    self.cluster = cluster
    self.environment = environment
    self.claims = claims
    self.uid = uid
    self.pid = pid
  }

  /// Whether it has what the first version of the format has no place for.
  var needsSecondVersion: Bool {
    issuer != nil || cluster != nil || environment != nil || !claims.isEmpty
  }
}
