import KeywardAudit
import KeywardAuthn
import KeywardCrypto
package import KeywardModel
import KeywardPolicy
import KeywardStore
import Logging
import Synchronization

/// From what a request shows to who it is of (docs/identities.md).
///
/// Every refusal is `unauthenticated` with the same words; why is told to the log alone.
extension KeywardService {
  /// What a transport knows of a request before it knows whose it is.
  package struct Arrival: Sendable {
    package let transport: Caller.Transport
    package let requestID: String
    /// What the request is about, for the entry of a refusal.
    package let operation: ServiceOperation
    package let digest: RequestDigest?
    /// As ``Caller/summary``.
    package let summary: String?

    package init(
      transport: Caller.Transport,
      requestID: String,
      operation: ServiceOperation,
      digest: RequestDigest?,
      summary: String? = nil
    ) {
      self.summary = summary
      self.transport = transport
      self.requestID = requestID
      self.operation = operation
      self.digest = digest
    }
  }

  /// The caller that the credentials prove; a refusal has its entry before this throws.
  package func authenticate(
    _ credentials: PresentedCredentials,
    _ arrival: Arrival
  ) async throws(ServiceError) -> Caller {
    if credentials.bearer == nil, case .unix(let uid, let pid) = credentials.peer {
      let principal = Principal(kind: .unixPeer, name: "uid:\(uid)", uid: uid, pid: pid)
      return caller(principal, credentials, arrival)
    }
    let state = try unsealed()
    do throws(LoginRefusal) {
      switch credentials.bearer {
      case .token(let text):
        let token = try await use(text, credentials.peer, arrival, state)
        return caller(token.principal, credentials, arrival, accessor: token.accessor)
      case .jwt(let text):
        let token = try await verify(jwt: text, state)
        try requireBinding(token.principal, state)
        return caller(token.principal, credentials, arrival)
      case nil:
        let certificate = try verify(credentials.peer, state)
        try requireBinding(certificate.principal, state)
        return caller(certificate.principal, credentials, arrival)
      }
    } catch {
      try await refuse(error, credentials.peer, arrival, state)
    }
  }

  private func caller(
    _ principal: Principal,
    _ credentials: PresentedCredentials,
    _ arrival: Arrival,
    accessor: Accessor? = nil
  ) -> Caller {
    Caller(
      principal: principal,
      transport: arrival.transport,
      requestID: arrival.requestID,
      source: credentials.peer.source,
      accessor: accessor?.description,
      digest: arrival.digest,
      summary: arrival.summary,
      approval: credentials.approval
    )
  }

  /// Exchanges a credential for a token.
  ///
  /// The token is stored with the entry of the login, many of them in one commit.
  package func login(
    _ anonymous: Caller,
    _ request: LoginRequest,
    peer: Peer
  ) async throws(ServiceError) -> IssuedToken {
    let state = try unsealed()
    let arrival = Arrival(
      transport: anonymous.transport,
      requestID: anonymous.requestID,
      operation: .authLogin,
      digest: nil
    )
    let proof: LoginProof
    do throws(LoginRefusal) {
      switch request.method {
      case .jwt:
        guard let text = request.jwt else { throw .missing }
        let token = try await verify(jwt: text, state)
        proof = LoginProof(principal: token.principal, notAfter: token.expiresAt)
      case .certificate:
        let certificate = try verify(peer, state)
        proof = LoginProof(
          principal: certificate.principal,
          notAfter: certificate.expiresAt,
          certificateSHA256: certificate.sha256
        )
      case .role:
        proof = try verify(role: request, peer, state)
      }
      if request.method != .role { try requireBinding(proof.principal, state) }
      try requireRoom(for: proof.principal, state)
    } catch {
      try await refuse(error, peer, arrival, state)
    }
    let terms = try translated { () throws(AuthnError) in
      try proof.terms(ttl: request.ttl)
    }
    var record = AuditRecord(
      time: now(),
      caller: Caller(
        principal: proof.principal,
        transport: anonymous.transport,
        requestID: anonymous.requestID,
        source: peer.source
      ),
      operation: .authLogin,
      resource: .own
    )
    record.rule = "login:\(request.method.rawValue)"
    let made = try makeToken(
      proof.principal,
      terms,
      notAfter: proof.notAfter,
      certificateSHA256: proof.certificateSHA256,
      state,
      at: record.time
    )
    record.token = made.record.accessor.description
    record.succeed()
    let entry = record
    return try await awaiting { reply in
      if let used = proof.secretID {
        self.submitLogin(entry, made, countingUseOf: used, state, reply)
      } else {
        self.committer.submit(
          entry,
          rows: { try $0.insertRecord(made.record.stored) },
          reply: { durable in
            if case .success = durable { state.access.withCredentials { $0.put(made.record) } }
            reply(durable.map { made.issued })
          }
        )
      }
    }
  }

  /// A login that counts a use of its secret id: one after the other, since each changes the count.
  private func submitLogin(
    _ entry: AuditRecord,
    _ made: (issued: IssuedToken, record: TokenRecord),
    countingUseOf accessor: Accessor,
    _ state: UnsealedState,
    _ reply: @escaping @Sendable (Result<IssuedToken, ServiceError>) -> Void
  ) {
    committer.submit(
      entry,
      change: { transaction, record in
        let found = state.access.withCredentials { book in
          book.secretIDs.values.first { $0.accessor == accessor }
        }
        guard let old = found, old.holds(at: record.time) else {
          throw ServiceError.unauthenticated
        }
        let used = old.used(at: record.time)
        try self.store {
          try transaction.updateRecord(used.stored, from: old.stored)
          try transaction.insertRecord(made.record.stored)
        }
        return {
          state.access.withCredentials { book in
            book.put(used)
            book.put(made.record)
          }
        }
      },
      reply: { durable in reply(durable.map { made.issued }) }
    )
  }

  // MARK: - Proofs

  /// Refuses an identity that no binding is about.
  ///
  /// A hosted issuer vouches for everybody in the world: who has nothing to do here gets no token, and
  /// no part of the disk beyond what strangers have.
  private func requireBinding(
    _ principal: Principal,
    _ state: UnsealedState
  ) throws(LoginRefusal) {
    guard state.policy.compiled.names(principal) else { throw .unbound }
  }

  /// Bounds the tokens of one identity, and of all.
  private func requireRoom(
    for principal: Principal,
    _ state: UnsealedState
  ) throws(LoginRefusal) {
    guard state.access.withCredentials({ $0.hasRoom(for: principal) }) else {
      throw .failed(
        ServiceError(
          .tooManyRequests,
          "There are too many access tokens.",
          remedy: "Revoke tokens that are not used, or wait until some have expired."
        )
      )
    }
  }

  /// The token that a request presents; one with counted uses is stored before it counts.
  private func use(
    _ text: String,
    _ peer: Peer,
    _ arrival: Arrival,
    _ state: UnsealedState
  ) async throws(LoginRefusal) -> TokenRecord {
    guard let credential = Credential(.token, text) else { throw .unknownToken }
    let digest = credential.digest(state.access.credentialKey)
    guard let stored = state.access.withCredentials({ $0.tokens[digest] }) else {
      throw .unknownToken
    }
    // Also of a login that was on its way while the record of its cluster was deleted or changed.
    guard state.access.registry.vouches(for: stored.principal) else { throw .unvouched }
    var sha256: [UInt8]?
    if stored.certificateSHA256 != nil {
      // The certificate must still hold: revoking it ends what was made under it (V07, V21).
      sha256 = try verify(peer, state).sha256
    }
    var token = stored
    do throws(TokenRecord.Refusal) {
      try token.use(now: now(), source: peer.source, certificate: sha256)
    } catch {
      throw .token(error)
    }
    guard token.isChangedByUse else { return token }
    return try await countUse(of: stored.accessor, peer, sha256, arrival, state)
  }

  private func countUse(
    of accessor: Accessor,
    _ peer: Peer,
    _ sha256: [UInt8]?,
    _ arrival: Arrival,
    _ state: UnsealedState
  ) async throws(LoginRefusal) -> TokenRecord {
    var record = AuditRecord(
      time: now(),
      caller: Caller(
        principal: state.access.withCredentials { $0[accessor] }?.principal ?? .anonymous,
        transport: arrival.transport,
        requestID: arrival.requestID,
        source: peer.source,
        accessor: accessor.description
      ),
      operation: .authLogin,
      resource: .own
    )
    record.rule = "login:token"
    record.succeed()
    let entry = record
    let slot = AnswerSlot<TokenRecord>()
    do throws(ServiceError) {
      return try await awaiting { reply in
        self.committer.submit(
          entry,
          change: { transaction, record in
            guard let old = state.access.withCredentials({ $0[accessor] }) else {
              throw ServiceError.unauthenticated
            }
            var token = old
            do throws(TokenRecord.Refusal) {
              try token.use(now: record.time, source: peer.source, certificate: sha256)
            } catch {
              throw ServiceError.unauthenticated
            }
            let used = token
            try self.store { try transaction.updateRecord(used.stored, from: old.stored) }
            slot.put(used)
            return { state.access.withCredentials { $0.put(used) } }
          },
          reply: { durable in
            reply(
              durable.flatMap { slot.take().map { .success($0) } ?? .failure(.unauthenticated) }
            )
          }
        )
      }
    } catch {
      throw error == .unauthenticated ? .token(.usedUp) : .failed(error)
    }
  }

  /// A JWT of a registered issuer; asks an issuer for its keys once when they lack the token's.
  private func verify(
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
  private func verify(
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
  private func verify(
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

  // MARK: - Refusals

  /// Writes the entry of a request that proved no identity, then throws the one answer.
  private func refuse(
    _ refusal: LoginRefusal,
    _ peer: Peer,
    _ arrival: Arrival,
    _ state: UnsealedState
  ) async throws(ServiceError) -> Never {
    if case .failed(let error) = refusal { throw error }
    let (isTaken, dropped) = state.access.anonymous.withLock { $0.take(at: now()) }
    guard isTaken else { throw .unauthenticated }
    var record = AuditRecord(
      time: now(),
      caller: Caller(
        principal: .anonymous,
        transport: arrival.transport,
        requestID: arrival.requestID,
        source: peer.source
      ),
      operation: arrival.operation,
      resource: .own
    )
    record.rule = refusal.rule
    if dropped > 0 { record.details.append(.dropped(dropped)) }
    record.fail(.unauthenticated)
    let entry = record
    _ = try await awaiting { (reply: @escaping @Sendable (Result<Bool, ServiceError>) -> Void) in
      self.committer.submit(entry) { durable in reply(durable.map { true }) }
    }
    throw .unauthenticated
  }
}
