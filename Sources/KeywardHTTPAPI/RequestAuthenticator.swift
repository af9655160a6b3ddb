package import KeywardModel

/// Turns what a request shows into the caller of a use case, or refuses it.
///
/// The transport calls it once for each request of a route that asks for a credential, when the body
/// is there, so that an approval can be held against the digest of the whole request.
package protocol RequestAuthenticator: Sendable {
  /// The proved caller.
  ///
  /// Throws `unauthenticated` for a credential that is missing, unknown, wrong or out of its time,
  /// with the same words for each; `sealed` where it cannot be looked up now.
  func authenticate(
    _ credentials: PresentedCredentials,
    for request: RequestIdentity
  ) async throws(ServiceError) -> Caller

  /// The caller, if the credentials prove one without waiting for anything.
  ///
  /// Nil leaves no trace: ``authenticate(_:for:)`` then has the last word, and writes what there is
  /// to write of a refusal.
  func authenticateAtOnce(
    _ credentials: PresentedCredentials,
    for request: RequestIdentity
  ) -> Caller?
}

/// What an authenticator needs to know of a request, beside its credentials.
package struct RequestIdentity: Sendable {
  /// The server's own id of the request, 16 hexadecimal digits.
  package let id: String
  package let transport: Caller.Transport
  /// What the route does, for the entry of a refusal.
  package let operation: ServiceOperation?
  package let digest: RequestDigest
  /// As ``Caller/summary``.
  package let summary: @Sendable () -> String

  package init(
    id: String,
    transport: Caller.Transport,
    operation: ServiceOperation?,
    digest: RequestDigest,
    summary: @escaping @Sendable () -> String = { "" }
  ) {
    self.summary = summary
    self.id = id
    self.transport = transport
    self.operation = operation
    self.digest = digest
  }
}

/// Knows the processes on the admin socket and nobody else: no token, no certificate, no JWT.
package struct PeerAuthenticator: RequestAuthenticator {
  package init() {}

  package func authenticate(
    _ credentials: PresentedCredentials,
    for request: RequestIdentity
  ) async throws(ServiceError) -> Caller {
    guard let caller = authenticateAtOnce(credentials, for: request) else { throw .unauthenticated }
    return caller
  }

  package func authenticateAtOnce(
    _ credentials: PresentedCredentials,
    for request: RequestIdentity
  ) -> Caller? {
    guard let principal = credentials.unixPrincipal else { return nil }
    return Caller(
      principal: principal,
      transport: request.transport,
      requestID: request.id,
      digest: request.digest,
      approval: credentials.approval
    )
  }
}
