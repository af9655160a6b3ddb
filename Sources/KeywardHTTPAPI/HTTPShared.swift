import KeywardModel

/// What all connections of a server share, and the way of a request from its arrival to its answer.
final class HTTPShared: Sendable {
  let configuration: HTTPServer.Configuration
  let door: Caller.Transport
  let service: any AdminOperations
  let load: HTTPLoad
  let metrics = HTTPMetrics()
  let rates: RateLimiter
  private let repetitions: IdempotencyCache
  private let chains: ChainMemory?

  init(
    _ configuration: HTTPServer.Configuration,
    door: Caller.Transport,
    _ service: any AdminOperations,
    chains: ChainMemory? = nil
  ) {
    self.chains = chains
    self.configuration = configuration
    self.door = door
    self.service = service
    load = HTTPLoad(configuration.limits)
    rates = RateLimiter(configuration.limits)
    repetitions = configuration.repetitions
    configuration.figures.add(door, metrics, load)
  }

  /// Runs the handler of a brief route at once, if it can be said at once whose the request is.
  ///
  /// Returns false for every other request, and has then left no trace: ``answer(_:)`` is for it.
  func begin(_ arrived: ArrivedRequest, _ reply: @escaping Reply<Answer>) -> Bool {
    guard let brief = arrived.route.brief, let caller = callerAtOnce(arrived) else { return false }
    if let throttled = throttled(arrived, caller) {
      reply(.success(throttled))
      return true
    }
    do throws(ServiceError) {
      try brief(request(arrived, of: caller), service, reply)
    } catch {
      reply(.failure(error))
    }
    return true
  }

  /// Asks whose a request is, and runs its handler.
  func answer(_ arrived: ArrivedRequest) async throws(ServiceError) -> Answer {
    let caller = try await caller(arrived)
    if let throttled = throttled(arrived, caller) { return throttled }
    let request = request(arrived, of: caller)
    guard let key = arrived.idempotencyKey, let digest = caller.digest else {
      let answer = try await arrived.route.handler(request, service)
      if arrived.route.operation == .authLogin { chains?.keep(arrived.peer.certificates) }
      return answer
    }
    let (handler, service) = (arrived.route.handler, service)
    let (answer, isRepetition) = try await repetitions.answer(
      .init(caller.principal, key),
      digest
    ) {
      do throws(ServiceError) {
        return .success(try await handler(request, service))
      } catch {
        return .failure(error)
      }
    }
    guard isRepetition else { return answer }
    // A kept answer is asked for and recorded like any other: the caller may have lost the right.
    let made = try JSONBody.decode(CreateKeyRequest.self, arrived.json)
    try await service.authorizeRepetition(caller, of: try WireText.keyName(made.name))
    return answer
  }

  /// The answer to a caller who is over the rate; one who is known is remembered.
  private func throttled(_ arrived: ArrivedRequest, _ caller: Caller) -> Answer? {
    guard caller.principal.kind != .anonymous else { return nil }
    chains?.keep(arrived.peer.certificates)
    return rates.delay(caller.principal, cost: arrived.route.cost).map {
      .throttled(requestID: arrived.id, retryAfter: $0)
    }
  }

  private func request(_ arrived: ArrivedRequest, of caller: Caller) -> RouteRequest {
    RouteRequest(
      caller: caller,
      peer: arrived.peer,
      nameText: arrived.nameText,
      query: arrived.query,
      json: arrived.json,
      octets: arrived.octets,
      shared: self
    )
  }

  /// All figures of the process.
  func figures() async -> String {
    configuration.figures.text() + (await configuration.metrics())
  }

  private func callerAtOnce(_ arrived: ArrivedRequest) -> Caller? {
    // A JWT takes a signature's verification, and perhaps a look at its issuer.
    if case .jwt = arrived.credentials.bearer { return nil }
    guard let digest = try? arrived.digest() else { return nil }
    return configuration.authenticator.authenticateAtOnce(
      credentials(arrived),
      for: identity(arrived, digest)
    )
  }

  private func caller(_ arrived: ArrivedRequest) async throws(ServiceError) -> Caller {
    let route = arrived.route
    guard !route.isHealthCheck || route.authentication != .none else { return open(arrived, nil) }
    let digest = try arrived.digest()
    switch route.authentication {
    case .credential:
      return try await prove(arrived, digest)
    case .peer:
      guard arrived.peer.unixPrincipal != nil else { throw .unauthenticated }
      return open(arrived, digest)
    case .none:
      guard route.knowsCallers,
        arrived.credentials.bearer != nil || !arrived.peer.certificates.isEmpty
      else { return open(arrived, digest) }
      do throws(ServiceError) {
        return try await prove(arrived, digest)
      } catch {
        // A sealed server knows nobody, and a certificate is not always shown on purpose.
        let isUnknowable = error.code == .sealed || error.code == .notInitialized
        guard isUnknowable || arrived.credentials.bearer == nil else { throw error }
        return open(arrived, digest)
      }
    }
  }

  private func prove(
    _ arrived: ArrivedRequest,
    _ digest: RequestDigest
  ) async throws(ServiceError) -> Caller {
    try await configuration.authenticator.authenticate(
      credentials(arrived),
      for: identity(arrived, digest)
    )
  }

  private func credentials(_ arrived: ArrivedRequest) -> PresentedCredentials {
    PresentedCredentials(
      peer: arrived.peer,
      bearer: arrived.credentials.bearer,
      approval: arrived.credentials.approval
    )
  }

  private func identity(_ arrived: ArrivedRequest, _ digest: RequestDigest) -> RequestIdentity {
    RequestIdentity(
      id: arrived.id,
      transport: door,
      operation: arrived.route.operation,
      digest: digest,
      summary: arrived.summary
    )
  }

  /// The caller of a route that asks for no credential: who the kernel says, or nobody.
  private func open(_ arrived: ArrivedRequest, _ digest: RequestDigest?) -> Caller {
    Caller(
      principal: arrived.peer.unixPrincipal ?? .anonymous,
      transport: door,
      requestID: arrived.id,
      source: arrived.peer.source,
      digest: digest
    )
  }
}
