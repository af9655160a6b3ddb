import KeywardHTTPAPI
import KeywardModel
import Synchronization

/// An authenticator that knows one token and one JWT, and keeps what it was shown.
final class FakeAuthenticator: RequestAuthenticator {
  static let token = "kwt_good"
  static let jwt = "head.claims.signature"

  struct State {
    var shown: [PresentedCredentials] = []
    var requests: [RequestIdentity] = []
    var isSealed = false
  }

  let state = Mutex(State())

  func authenticate(
    _ credentials: PresentedCredentials,
    for request: RequestIdentity
  ) async throws(ServiceError) -> Caller {
    keep(credentials, request)
    return try caller(credentials, request)
  }

  func authenticateAtOnce(
    _ credentials: PresentedCredentials,
    for request: RequestIdentity
  ) -> Caller? {
    if case .jwt = credentials.bearer { return nil }
    guard let caller = try? caller(credentials, request) else { return nil }
    keep(credentials, request)
    return caller
  }

  private func keep(_ credentials: PresentedCredentials, _ request: RequestIdentity) {
    state.withLock { state in
      state.shown.append(credentials)
      state.requests.append(request)
    }
  }

  private func caller(
    _ credentials: PresentedCredentials,
    _ request: RequestIdentity
  ) throws(ServiceError) -> Caller {
    if state.withLock({ $0.isSealed }) { throw ServiceError(.sealed, "The server is sealed.") }
    let principal: Principal
    switch credentials.bearer {
    case .token(Self.token): principal = Principal(kind: .token, name: "robot")
    case .token(let text) where text.hasPrefix("kwt_of-"):
      principal = Principal(kind: .token, name: String(text.dropFirst(7)))
    case .jwt(Self.jwt): principal = Principal(kind: .jwt, issuer: "ci", name: "job")
    case .token, .jwt: throw .unauthenticated
    case nil:
      if let leaf = credentials.peer.certificates.first {
        principal = Principal(kind: .certificate, issuer: "ca", name: "\(leaf.count) bytes")
      } else if let peer = credentials.peer.unixPrincipal {
        principal = peer
      } else {
        throw .unauthenticated
      }
    }
    return Caller(
      principal: principal,
      transport: request.transport,
      requestID: request.id,
      source: credentials.peer.source,
      digest: request.digest,
      approval: credentials.approval
    )
  }
}
