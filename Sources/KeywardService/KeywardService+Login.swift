import KeywardAudit
import KeywardAuthn
package import KeywardModel
import KeywardStore

/// From a credential to a token.
extension KeywardService {
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
}
