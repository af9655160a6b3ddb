import KeywardAuthn
import KeywardCrypto
package import KeywardModel
import KeywardPolicy
import KeywardStore

/// Access tokens: one's own, and those of others (docs/identities.md).
extension KeywardService {
  // MARK: - The caller's own

  /// Who the server takes the caller for.
  package func whoAmI(_ caller: Caller) async throws(ServiceError) -> OwnIdentity {
    try await awaiting { reply in
      self.answer(caller, .selfRead, .own, reply: reply) { _, state, _ in
        OwnIdentity(
          principal: PrincipalInfo(caller.principal),
          token: caller.accessor.flatMap { Accessor($0) }.flatMap { accessor in
            state.access.withCredentials { $0[accessor] }?.info
          },
          transport: caller.transport.rawValue,
          address: caller.source?.description
        )
      }
    }
  }

  /// Gives the caller's token more time, never past its maximum.
  package func renewOwnToken(
    _ caller: Caller,
    increment: Int64?
  ) async throws(ServiceError) -> TokenInfo {
    let accessor = try ownAccessor(caller)
    return try await changeToken(caller, .selfRenew, .own, accessor) {
      token,
      now throws(ServiceError) in
      try Self.renew(&token, increment: increment, at: now)
    }
  }

  /// Ends the caller's token.
  package func revokeOwnToken(_ caller: Caller) async throws(ServiceError) -> TokenInfo {
    let accessor = try ownAccessor(caller)
    return try await removeToken(caller, .selfRevoke, .own, accessor)
  }

  private func ownAccessor(_ caller: Caller) throws(ServiceError) -> Accessor {
    guard let accessor = caller.accessor.flatMap({ Accessor($0) }) else {
      throw ServiceError(
        .invalidRequest,
        "The request carries no token.",
        remedy: "Send it with the token that is meant."
      )
    }
    return accessor
  }

  // MARK: - Others'

  /// Makes a token: with a name, one for a system of that name; without, one for the caller itself,
  /// which can do what the caller can and lives no longer than the caller's own.
  package func createToken(
    _ caller: Caller,
    _ request: TokenRequest
  ) async throws(ServiceError) -> IssuedToken {
    let terms = try translated { () throws(AuthnError) in try TokenRecord.Terms(request) }
    guard let text = request.name else {
      try checkOwn(caller, request)
      return try await issueToken(caller, .tokens) { state, now throws(ServiceError) in
        let parent = caller.accessor.flatMap { Accessor($0) }
          .flatMap { accessor in state.access.withCredentials { $0[accessor] } }
        return try self.makeOwnToken(parent, terms, state, at: now)
      }
    }
    let name = try tokenName(text)
    let principal = try tokenPrincipal(name, request)
    let identities = [IdentitySet(principal)]
    let resource = Resource.token(name)
    let grants = await prepared(caller, .tokenCreate, resource, on: drawingBoard) {
      () throws(ServiceError) in
      IdentityGrants(identities, to: caller, try self.unsealed().policy, now: self.now())
    }
    return try await issueToken(caller, resource) { state, now throws(ServiceError) in
      try grants.get().check(identities, state.policy)
      return try self.makeToken(
        principal,
        terms,
        notAfter: nil,
        certificateSHA256: nil,
        state,
        at: now
      )
    }
  }

  private func issueToken(
    _ caller: Caller,
    _ resource: Resource,
    _ make:
      @escaping @Sendable (UnsealedState, Timestamp) throws(ServiceError)
      -> (issued: IssuedToken, record: TokenRecord)
  ) async throws(ServiceError) -> IssuedToken {
    try await awaiting { reply in
      self.change(caller, .tokenCreate, resource, reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let made = try make(state, record.time)
        record.token = made.record.accessor.description
        try self.store { try transaction.insertRecord(made.record.stored) }
        return Change(made.issued) { state.access.withCredentials { $0.put(made.record) } }
      }
    }
  }

  /// A token for the identity of another token: bound as that one is, gone when it is.
  private func makeOwnToken(
    _ parent: TokenRecord?,
    _ terms: TokenRecord.Terms,
    _ state: UnsealedState,
    at now: Timestamp
  ) throws(ServiceError) -> (issued: IssuedToken, record: TokenRecord) {
    // A JWT or a certificate ends by itself, and a token made with it would not.
    guard let parent else {
      throw ServiceError(
        .invalidRequest,
        "Only a token makes a token of its own identity.",
        remedy: "Exchange the credential for a token with: keyward login."
      )
    }
    guard parent.terms.uses == nil else {
      throw ServiceError(
        .invalidRequest,
        "A token with counted uses makes no tokens of its own.",
        remedy: "Log in for each one."
      )
    }
    return try makeToken(
      parent.principal,
      try translated { () throws(AuthnError) in try terms.narrowed(to: parent.terms) },
      notAfter: parent.expiresAt,
      certificateSHA256: parent.certificateSHA256,
      parent: parent.accessor,
      state,
      at: now
    )
  }

  private func checkOwn(_ caller: Caller, _ request: TokenRequest) throws(ServiceError) {
    guard caller.principal.kind != .unixPeer else {
      throw ServiceError(
        .invalidRequest,
        "A token for a process on the admin socket needs a name.",
        remedy: "Give --name; policy binds it by issuer 'tokens' and that name."
      )
    }
    guard request.environment == nil else {
      throw ServiceError(.invalidRequest, "'environment' goes with 'name'.")
    }
  }

  private func tokenName(_ text: String) throws(ServiceError) -> TokenName {
    guard let name = TokenName(text) else {
      throw ServiceError(
        .invalidRequest,
        "'name' is not 1 to \(TokenName.mostSegments) segments of a resource.",
        remedy: "Use a-z, A-Z, 0-9 and . _ - : @ + = ~ %, such as ci/nightly."
      )
    }
    return name
  }

  private func tokenPrincipal(
    _ name: TokenName,
    _ request: TokenRequest
  ) throws(ServiceError) -> Principal {
    if let environment = request.environment, RegistryName(environment) == nil {
      throw ServiceError(.invalidRequest, "'environment' is not a name of a-z, 0-9, '.', '_', '-'.")
    }
    return Principal(kind: .token, name: name.description, environment: request.environment)
  }

  package func listTokens(
    _ caller: Caller,
    limit: Int,
    cursor: String?
  ) async throws(ServiceError) -> TokenPage {
    try await awaiting { reply in
      self.answer(caller, .tokenList, .tokens, reply: reply) { _, state, _ in
        let (tokens, hasMore) = state.access.withCredentials {
          $0.page(after: cursor, limit: limit)
        }
        return TokenPage(
          tokens: tokens.map(\.info),
          nextCursor: hasMore ? tokens.last?.accessor.description : nil
        )
      }
    }
  }

  package func showToken(
    _ caller: Caller,
    accessor text: String
  ) async throws(ServiceError) -> TokenInfo {
    try await awaiting { reply in
      self.answer(caller, .tokenShow, .tokens, reply: reply) {
        _,
        state,
        _ throws(ServiceError) in
        try self.token(Accessor(text), state).info
      }
    }
  }

  package func renewToken(
    _ caller: Caller,
    accessor text: String,
    increment: Int64?
  ) async throws(ServiceError) -> TokenInfo {
    try await changeToken(caller, .tokenRenew, .tokens, Accessor(text)) {
      token,
      now throws(ServiceError) in
      try Self.renew(&token, increment: increment, at: now)
    }
  }

  package func revokeToken(
    _ caller: Caller,
    accessor text: String
  ) async throws(ServiceError) -> TokenInfo {
    try await removeToken(caller, .tokenRevoke, .tokens, Accessor(text))
  }

  // MARK: - Steps

  /// Makes a token and its record; the record is still to be stored.
  func makeToken(
    _ principal: Principal,
    _ terms: TokenRecord.Terms,
    notAfter: Timestamp?,
    certificateSHA256: [UInt8]?,
    parent: Accessor? = nil,
    _ state: UnsealedState,
    at now: Timestamp
  ) throws(ServiceError) -> (issued: IssuedToken, record: TokenRecord) {
    guard let credential = Credential(.token, random: try random(Credential.randomLength)),
      let accessor = Accessor(.token, random: try random(16))
    else { throw ServiceError(.internalError, "No token could be made.") }
    let record = TokenRecord(
      accessor: accessor,
      digest: credential.digest(state.access.credentialKey),
      principal: principal,
      terms: terms,
      now: now,
      notAfter: notAfter,
      certificateSHA256: certificateSHA256,
      parent: parent
    )
    return (IssuedToken(token: credential.revealed(), info: record.info), record)
  }

  private func token(
    _ accessor: Accessor?,
    _ state: UnsealedState
  ) throws(ServiceError) -> TokenRecord {
    guard let accessor, let token = state.access.withCredentials({ $0[accessor] }) else {
      throw ServiceError(
        .notFound,
        "There is no token with this accessor.",
        remedy: "List them with: keyward auth token list."
      )
    }
    return token
  }

  private func changeToken(
    _ caller: Caller,
    _ operation: ServiceOperation,
    _ resource: Resource,
    _ accessor: Accessor?,
    _ step: @escaping @Sendable (inout TokenRecord, Timestamp) throws(ServiceError) -> Void
  ) async throws(ServiceError) -> TokenInfo {
    try await awaiting { reply in
      self.change(caller, operation, resource, reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let old = try self.token(accessor, state)
        var new = old
        try step(&new, record.time)
        let changed = new
        try self.store { try transaction.updateRecord(changed.stored, from: old.stored) }
        return Change(changed.info) { state.access.withCredentials { $0.put(changed) } }
      }
    }
  }

  private func removeToken(
    _ caller: Caller,
    _ operation: ServiceOperation,
    _ resource: Resource,
    _ accessor: Accessor?
  ) async throws(ServiceError) -> TokenInfo {
    try await awaiting { reply in
      self.change(caller, operation, resource, reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let old = try self.token(accessor, state)
        // What was made with it goes with it (V21).
        let gone = state.access.withCredentials { $0.family(of: old) }
        try self.store { for token in gone { try transaction.deleteRecord(token.stored) } }
        let show = try self.removeVotes(of: gone, transaction, state, at: record.time)
        return Change(old.info) {
          show()
          state.access.withCredentials { book in for token in gone { book.remove(token) } }
        }
      }
    }
  }

  private static func renew(
    _ token: inout TokenRecord,
    increment: Int64?,
    at now: Timestamp
  ) throws(ServiceError) {
    do throws(TokenRecord.Refusal) {
      try token.extend(now: now, increment: increment)
    } catch {
      throw ServiceError(
        .conflict,
        "The token cannot be renewed: \(error.rawValue).",
        remedy: "Log in again."
      )
    }
  }

  /// Runs a step of the identity layer, with its error in the service's words.
  func translated<R>(_ body: () throws(AuthnError) -> R) throws(ServiceError) -> R {
    do {
      return try body()
    } catch {
      throw ServiceError(.invalidRequest, error.message, remedy: error.remedy)
    }
  }
}
