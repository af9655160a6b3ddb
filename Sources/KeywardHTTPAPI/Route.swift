package import KeywardModel
package import NIOCore

/// One route as data: everything that the pipeline has to know before and after its handler.
package struct Route: Sendable {
  package enum Method: String, Sendable {
    case get = "GET"
    case post = "POST"
  }

  /// The form of the request's body.
  package enum Body: Hashable, Sendable {
    case none
    /// `application/json`, at most so many bytes.
    case json(limit: Int)
    /// `application/octet-stream`, at most so many bytes, straight into `SecretBytes`.
    case octets(limit: Int)
  }

  /// The form of a successful answer.
  package enum Response: String, Sendable {
    case text = "text/plain"
    case json = "application/json"
    /// Public bytes.
    case octets = "application/octet-stream"
    /// Secret bytes, wiped once sent.
    case secret
    case stream
  }

  /// How the caller is known.
  package enum Authentication: String, Sendable {
    /// Anybody who can connect.
    ///
    /// A process on the admin socket is the caller all the same; a network peer is nobody.
    case none
    /// The peer of the admin socket, as the kernel names it (SO_PEERCRED), whatever token it shows: for
    /// what takes the server's own machine, the first init and the lift of an approval rule.
    case peer
    /// A token, a JWT or a client certificate; on the admin socket, without a token, the peer.
    case credential
  }

  /// Where a route is served.
  package enum Exposure: String, Sendable {
    case adminSocket
    case everywhere
  }

  /// A query parameter.
  package struct Parameter: Hashable, Sendable {
    package let name: String
    package let isRequired: Bool

    package init(_ name: String, isRequired: Bool = false) {
      self.name = name
      self.isRequired = isRequired
    }
  }

  /// The name of the route in metrics: one of a fixed set.
  package let name: String
  package let method: Method
  /// As `/api/v1/keys/{name}:rotate`; `{name}` is the rest up to a colon, slashes included.
  package let pattern: String
  package let parameters: [Parameter]
  package let body: Body
  package let response: Response
  package let authentication: Authentication
  /// A route for peers alone is nowhere but on the admin socket.
  package let exposure: Exposure
  /// Whether a route without authentication takes a credential all the same, and tells more to who
  /// has one.
  package let knowsCallers: Bool
  /// What policy and audit call it; nil for health checks, which do nothing.
  package let operation: ServiceOperation?
  /// For the handler to answer; streams have it for each piece.
  package let deadline: TimeAmount
  /// The status of a successful answer: 201 where something is made.
  package let success: Int
  /// Whether an `Idempotency-Key` is taken: where something is made and the answer is no secret.
  package let isRepeatable: Bool
  /// How many requests it counts for in the rate of an address.
  package let cost: Int
  let handler: Handler
  /// The handler of a route that takes microseconds beside waiting for the disk.
  ///
  /// It begins on the event loop of the connection and ends on the writing thread: no task, and no
  /// hop to a thread of the pool and back.
  let brief: Brief?

  typealias Handler =
    @Sendable (RouteRequest, any AdminOperations) async throws(ServiceError) -> Answer
  /// Replies once, or throws.
  typealias Brief =
    @Sendable (RouteRequest, any AdminOperations, @escaping Reply<Answer>) throws(ServiceError) ->
    Void

  init(
    method: Method,
    pattern: String,
    parameters: [Parameter],
    body: Body,
    response: Response,
    authentication: Authentication,
    knowsCallers: Bool = false,
    operation: ServiceOperation?,
    deadline: TimeAmount,
    success: Int = 200,
    holdsSecret: Bool = false,
    cost: Int = 1,
    brief: Brief? = nil,
    handler: @escaping Handler
  ) {
    // What is left out at once: repetitions, and what is open to nobody in particular.
    precondition(brief == nil || (authentication == .credential && success != 201))
    name = "\(method.rawValue) \(pattern)"
    self.method = method
    self.pattern = pattern
    self.parameters = parameters
    self.body = body
    self.response = response
    self.authentication = authentication
    exposure = authentication == .peer ? .adminSocket : .everywhere
    self.knowsCallers = knowsCallers
    self.operation = operation
    self.deadline = deadline
    self.success = success
    isRepeatable = success == 201 && response == .json && !holdsSecret
    self.cost = cost
    self.brief = brief
    self.handler = handler
  }

  /// `brief` as a handler that waits for its reply.
  static func waiting(for brief: @escaping Brief) -> Handler {
    { (request, service) throws(ServiceError) in
      let result: Result<Answer, ServiceError> = await withCheckedContinuation { continuation in
        do throws(ServiceError) {
          try brief(request, service) { continuation.resume(returning: $0) }
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
      return try result.get()
    }
  }

  /// Whether it is served even when the server is at its limit of requests in flight.
  var isHealthCheck: Bool { operation == nil }

  package var bodyLimit: Int {
    switch body {
    case .none: 0
    case .json(let limit), .octets(let limit): limit
    }
  }
}

/// A request that passed the pipeline: canonical, within its limits, of a known route.
struct RouteRequest: Sendable {
  let caller: Caller
  /// The other end of the connection: a login by certificate looks at it.
  let peer: Peer
  /// The text in place of `{name}`; empty for other routes.
  let nameText: String
  let query: QueryValues
  /// The JSON body; empty for other routes.
  let json: [UInt8]
  /// The octets of the body; nil for other routes.
  let octets: SecretBody?
  /// What has all figures of the process, for `/metrics`.
  let shared: HTTPShared

  func keyName() throws(ServiceError) -> KeyName { try WireText.keyName(nameText) }

  func secretBody() throws(ServiceError) -> SecretBody {
    guard let octets else {
      throw ServiceError(.internalError, "The route takes no octets.")
    }
    return octets
  }
}
