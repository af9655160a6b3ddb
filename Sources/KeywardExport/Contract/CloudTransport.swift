package import KeywardCrypto

/// Sends one request over verified TLS and waits for the whole answer.
///
/// Follows no redirect, and has no way to switch verification off.
package protocol CloudTransport: Sendable {
  func send(_ request: CloudRequest) async throws(CloudTransportError) -> CloudResponse
}

/// A request to a provider.
package struct CloudRequest: Sendable {
  package enum Method: String, Sendable {
    case get = "GET"
    case post = "POST"
    case put = "PUT"
    case delete = "DELETE"
  }

  package enum Body: Sendable {
    case none
    case bytes([UInt8])
    /// Sent from the arena: a form with a password, an assertion.
    case secret(SecretBox)
  }

  /// When a transport may send the request a second time by itself.
  package enum Repetition: Sendable {
    /// After whatever failure: it only reads, or a second one finds nothing to do.
    case always
    /// Only where the provider has certainly not acted: no connection, or an answer that says "later".
    case ifNotActedOn
    /// Never: it spends a token.
    case never
  }

  package var method: Method
  /// An absolute `https` URL.
  package var url: String
  package var headers: [(name: String, value: String)]
  /// A header whose value stays in the arena.
  package var secretHeader: (name: String, value: SecretBox)?
  package var body: Body
  /// Nil when there is no body.
  package var contentType: String?
  package var repetition: Repetition
  /// Whether the answer holds a token, and is to be kept in the arena.
  package var isAnswerSecret = false

  package init(
    _ method: Method,
    _ url: String,
    headers: [(name: String, value: String)] = [],
    secretHeader: (name: String, value: SecretBox)? = nil,
    body: Body = .none,
    contentType: String? = nil,
    repetition: Repetition
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.secretHeader = secretHeader
    self.body = body
    self.contentType = contentType
    self.repetition = repetition
  }
}

/// An answer of any status but a redirect.
package struct CloudResponse: Sendable {
  package let status: Int
  /// Empty when the body is in `secret`.
  package let body: [UInt8]
  package let secret: SecretBox?
  /// How many seconds the provider asks to wait, if it does.
  package let retryAfter: Int?

  package init(
    status: Int,
    body: [UInt8],
    secret: SecretBox? = nil,
    retryAfter: Int? = nil
  ) {
    self.status = status
    self.body = body
    self.secret = secret
    self.retryAfter = retryAfter
  }
}

/// Why there was no answer; the words are public.
package enum CloudTransportError: Error, Equatable, Sendable {
  /// No connection was made, so the provider has not acted.
  case unreachable(String)
  case timedOut
  /// The connection ended before the answer did.
  case interrupted(String)
  /// The certificate was refused, so nothing was sent.
  case untrusted(String)
  case tooLarge(limit: Int)
  case redirected(status: Int)
  case failed(String)
}
