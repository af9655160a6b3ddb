import KeywardAuthn
import KeywardModel
import KeywardPolicy
import Synchronization

/// What a credential proves, whether a request shows it or a login takes it.
extension KeywardService {
  /// A JWT of a registered issuer; asks an issuer for its keys once when they lack the token's.
  func verify(
    jwt text: String,
    _ state: UnsealedState
  ) async throws(LoginRefusal) -> VerifiedJWT {
    var outcome = state.access.registry.verify(jwt: text, now: now())
    if case .unknownKeyID(let ids) = outcome {
      let due = state.access.withIdentities { $0.unknownKey(ids, at: now()) }
      await fetchKeys(due, state)
      outcome = state.access.registry.verify(jwt: text, now: now())
    }
    switch outcome {
    case .refused(let refusal): throw .jwt(refusal)
    case .unknownKeyID: throw .jwt(.unknownKey)
    case .accepted(let token):
      switch state.access.replays.withLock({ $0.take(token, now: now()) }) {
      case .fresh: return token
      case .replayed, .tooOld, .full: throw .replay
      }
    }
  }

  /// The certificate of the connection.
  func verify(
    _ peer: Peer,
    _ state: UnsealedState
  ) throws(LoginRefusal) -> VerifiedCertificate {
    guard !peer.certificates.isEmpty else { throw .missing }
    switch state.access.verify(peer.certificates, now: now()) {
    case .accepted(let certificate): return certificate
    case .refused(let refusal): throw .certificate(refusal)
    }
  }

  /// A role id with a secret id: equal work and one answer, whatever is wrong (V10).
  func verify(
    role request: LoginRequest,
    _ peer: Peer,
    _ state: UnsealedState
  ) throws(LoginRefusal) -> LoginProof {
    guard let roleID = request.roleID, let secretID = request.secretID else { throw .missing }
    // By role and address: whoever knows a role's id must not keep the role itself out.
    let address = peer.source?.description ?? "local"
    let identity = LockoutIdentity(login: .machineRole, name: "\(address)|\(roleID)")
    let now = now()
    let isLocked =
      state.access.lockout.withLock { $0.decision(for: identity, now: now) } != .allowed
    let outcome = MachineLogin.verify(
      roleID: roleID,
      secretID: secretID,
      registry: state.access.registry,
      secretIDs: state.access.withCredentials { $0.secretIDs },
      key: state.access.credentialKey,
      now: now,
      source: peer.source
    )
    guard !isLocked else { throw .locked }
    switch outcome {
    case .refused(let refusal):
      state.access.lockout.withLock { $0.failed(identity, now: now) }
      throw .role(refusal)
    case .accepted(let role, let secretID):
      state.access.lockout.withLock { $0.succeeded(identity) }
      return LoginProof(
        principal: role.principal,
        notAfter: nil,
        roleTerms: role.token,
        secretID: secretID.usesLeft == nil ? nil : secretID.accessor
      )
    }
  }

  /// Refuses an identity that no binding is about.
  ///
  /// A hosted issuer vouches for everybody in the world: who has nothing to do here gets no token, and
  /// no part of the disk beyond what strangers have.
  func requireBinding(
    _ principal: Principal,
    _ state: UnsealedState
  ) throws(LoginRefusal) {
    guard state.policy.compiled.names(principal) else { throw .unbound }
  }
}
