package import KeywardModel
package import KeywardService

/// Asks the service whose a request is: Unix peers, tokens, JWTs and client certificates.
package struct ServiceAuthenticator: RequestAuthenticator {
  private let service: KeywardService

  package init(_ service: KeywardService) {
    self.service = service
  }

  package func authenticate(
    _ credentials: PresentedCredentials,
    for request: RequestIdentity
  ) async throws(ServiceError) -> Caller {
    try await service.authenticate(credentials, arrival(request))
  }

  package func authenticateAtOnce(
    _ credentials: PresentedCredentials,
    for request: RequestIdentity
  ) -> Caller? {
    service.callerAtOnce(credentials, arrival(request))
  }

  private func arrival(_ request: RequestIdentity) -> KeywardService.Arrival {
    KeywardService.Arrival(
      transport: request.transport,
      requestID: request.id,
      operation: request.operation ?? .selfRead,
      digest: request.digest,
      summary: request.summary
    )
  }
}
