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
  /// The uid of a Unix peer.
  package let uid: UInt32?
  /// The process id of a Unix peer at the time it connected.
  package let pid: UInt32?

  /// Builds a principal; the name is bounded and escaped.
  package init(kind: Kind, name: String, uid: UInt32? = nil, pid: UInt32? = nil) {
    self.init(verbatim: AuditText.principal.bounded(name), kind: kind, uid: uid, pid: pid)
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
      uid: principal.uid,
      pid: principal.pid.map { UInt32(clamping: $0) }
    )
  }

  init(verbatim name: String, kind: Kind, uid: UInt32?, pid: UInt32?) {
    self.kind = kind
    self.name = name
    self.uid = uid
    self.pid = pid
  }
}
