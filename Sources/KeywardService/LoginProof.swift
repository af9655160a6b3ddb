import KeywardAuthn
import KeywardModel

/// What a login proved.
struct LoginProof {
  let principal: Principal
  /// The end of the credential, which no token outlives; nil for a machine role.
  let notAfter: Timestamp?
  var certificateSHA256: [UInt8]?
  var roleTerms: TokenRecord.Terms?
  /// The secret id of which a use is to be counted.
  var secretID: Accessor?

  /// What the token is to be: as the role says, or an hour; less if `ttl` asks for less.
  func terms(ttl: Int64?) throws(AuthnError) -> TokenRecord.Terms {
    guard let roleTerms else { return try TokenRecord.Terms(ttl: ttl) }
    guard let ttl else { return roleTerms }
    return try TokenRecord.Terms(
      ttl: min(max(ttl, 1), roleTerms.ttl),
      maximumTTL: roleTerms.maximumTTL,
      uses: roleTerms.uses,
      isRenewable: roleTerms.isRenewable,
      networks: roleTerms.networks
    )
  }
}

/// Why a request proved no identity: for the log, never for the client.
enum LoginRefusal: Error {
  case missing
  /// No binding is about the identity.
  case unbound
  case unknownToken
  /// What vouched for the token's identity is not registered any more.
  case unvouched
  case token(TokenRecord.Refusal)
  case jwt(JWTRefusal)
  case replay
  case certificate(CertificateRefusal)
  case role(MachineLogin.Refusal)
  case locked
  /// No refusal, but a failure such as a full disk.
  case failed(ServiceError)

  /// How the entry tells it.
  var rule: String {
    switch self {
    case .missing: "login: no credential"
    case .unbound: "login: no binding names the identity"
    case .unknownToken: "login: unknown token"
    case .unvouched: "login: token of an identity that nobody vouches for"
    case .token(let refusal): "login: token \(refusal.rawValue)"
    case .jwt(let refusal): "login: jwt: \(refusal)"
    case .replay: "login: jwt: taken before"
    case .certificate(let refusal): "login: certificate: \(refusal)"
    case .role(let refusal): "login: role: \(refusal.rawValue)"
    case .locked: "login: role: locked out"
    case .failed(let error): "login: \(error.code.rawValue)"
    }
  }
}
