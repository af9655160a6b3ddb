import KeywardAudit
import KeywardAuthn
package import KeywardModel
import KeywardStore
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
    package let summary: (@Sendable () -> String)?

    package init(
      transport: Caller.Transport,
      requestID: String,
      operation: ServiceOperation,
      digest: RequestDigest?,
      summary: (@Sendable () -> String)? = nil
    ) {
      self.summary = summary
      self.transport = transport
      self.requestID = requestID
      self.operation = operation
      self.digest = digest
    }
  }

  /// The caller, if the credentials prove one without waiting: a process on the admin socket, a
  /// certificate, or a token whose uses are not counted.
  ///
  /// Nil leaves no trace; ``authenticate(_:_:)`` then finds out what there is to say.
  package func callerAtOnce(
    _ credentials: PresentedCredentials,
    _ arrival: Arrival
  ) -> Caller? {
    if let principal = credentials.unixPrincipal { return caller(principal, credentials, arrival) }
    do throws(LoginRefusal) {
      guard let state = try? unsealed() else { return nil }
      switch credentials.bearer {
      case .token(let text):
        let (token, _) = try look(for: text, credentials.peer, state)
        guard !token.isChangedByUse else { return nil }
        return caller(token.principal, credentials, arrival, accessor: token.accessor)
      case .jwt:
        return nil
      case nil:
        let certificate = try verify(credentials.peer, state)
        try requireBinding(certificate.principal, state)
        return caller(certificate.principal, credentials, arrival)
      }
    } catch {
      return nil
    }
  }

  /// The caller that the credentials prove; a refusal has its entry before this throws.
  package func authenticate(
    _ credentials: PresentedCredentials,
    _ arrival: Arrival
  ) async throws(ServiceError) -> Caller {
    if let principal = credentials.unixPrincipal { return caller(principal, credentials, arrival) }
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

  // MARK: - Tokens

  /// The token that a request presents; one with counted uses is stored before it counts.
  private func use(
    _ text: String,
    _ peer: Peer,
    _ arrival: Arrival,
    _ state: UnsealedState
  ) async throws(LoginRefusal) -> TokenRecord {
    let (token, sha256) = try look(for: text, peer, state)
    guard token.isChangedByUse else { return token }
    return try await countUse(of: token.accessor, peer, sha256, arrival, state)
  }

  /// The token that a request presents, as it is after this use, and the certificate that it is
  /// bound to.
  private func look(
    for text: String,
    _ peer: Peer,
    _ state: UnsealedState
  ) throws(LoginRefusal) -> (token: TokenRecord, certificate: [UInt8]?) {
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
    return (token, sha256)
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

  // MARK: - Refusals

  /// Writes the entry of a request that proved no identity, then throws the one answer.
  func refuse(
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
