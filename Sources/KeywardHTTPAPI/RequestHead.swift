import KeywardModel
import NIOHTTP1

/// What the pipeline takes from a request's line and headers; all other headers are ignored.
///
/// Identity comes from the connection and from `Authorization`: `Forwarded`, `X-*` and a client's own
/// request id have no meaning here (keystonemiddleware CVE-2026-22797, Vault CVE-2026-4525).
struct RequestHead {
  let route: Route
  let routeIndex: Int
  /// The path in its one spelling.
  let path: String
  let nameText: String
  let credentials: RequestCredentials
  let idempotencyKey: IdempotencyKey?
  let query: QueryValues
  /// The `Content-Length`; nil for a chunked body.
  let announced: Int?
  let expectsContinue: Bool

  /// Reads the head of a request that came in by `door`.
  init(_ head: HTTPRequestHead, door: Caller.Transport) throws(ServiceError) {
    guard head.version == .http1_1 || head.version == .http1_0 else {
      throw ServiceError(.invalidRequest, "The HTTP version is not 1.1.")
    }
    let fields = HeaderFields(head.headers)
    guard fields.hosts == 1 || (fields.hosts == 0 && head.version == .http1_0) else {
      throw ServiceError(.invalidRequest, "The request does not have exactly one Host header.")
    }
    let target = try RequestTarget(head.uri)
    path = target.path
    switch RouteTable.match(method: head.method.rawValue, path: path, door: door) {
    case .notFound:
      throw ServiceError(.notFound, "The API has no such path.")
    case .methodNotAllowed(let allowed):
      throw ServiceError(
        .methodNotAllowed,
        "The path does not take this method.",
        remedy: "Use \(allowed.joined(separator: " or "))."
      )
    case .route(let route, let index, let nameText):
      self.route = route
      routeIndex = index
      self.nameText = nameText
    }
    query = target.query
    let readsCredentials = route.authentication == .credential || route.knowsCallers
    credentials = readsCredentials ? try RequestCredentials(fields) : .none
    idempotencyKey = try IdempotencyKey.read(fields.idempotencyKeys, for: route)
    announced = try Self.announcedLength(fields, head.version)
    expectsContinue = try Self.expectsContinue(fields)
    try checkBody(fields)
    try query.check(against: route.parameters)
    for parameter in route.parameters where parameter.isRequired {
      _ = try query.requiredText(parameter.name)
    }
  }

  /// The methods of a path that does not take the request's, as the header `Allow` lists them.
  static func methods(_ head: HTTPRequestHead, door: Caller.Transport) -> String {
    guard let target = try? RequestTarget(head.uri),
      case .methodNotAllowed(let allowed) = RouteTable.match(
        method: head.method.rawValue,
        path: target.path,
        door: door
      )
    else { return "" }
    return allowed.joined(separator: ", ")
  }

  private static func announcedLength(
    _ fields: HeaderFields,
    _ version: HTTPVersion
  ) throws(ServiceError) -> Int? {
    let (lengths, codings) = (fields.lengths, fields.codings)
    guard codings.isEmpty || (lengths.isEmpty && codings.count == 1) else {
      throw ServiceError(.invalidRequest, "The length of the body is given in two ways.")
    }
    if let coding = codings.first {
      guard coding.lowercased() == "chunked", version == .http1_1 else {
        throw ServiceError(.unsupportedMediaType, "The only transfer coding is 'chunked'.")
      }
      return nil
    }
    guard let text = lengths.first else { return 0 }
    guard lengths.count == 1, (1...15).contains(text.utf8.count),
      text.utf8.allSatisfy({ (48...57).contains($0) }), let length = Int(text)
    else {
      throw ServiceError(.invalidRequest, "The Content-Length is not one number.")
    }
    return length
  }

  private static func expectsContinue(_ fields: HeaderFields) throws(ServiceError) -> Bool {
    guard let expectation = fields.expectations.first else { return false }
    guard expectation.lowercased() == "100-continue" else {
      throw ServiceError(.invalidRequest, "The only expectation is '100-continue'.")
    }
    return true
  }

  private func checkBody(_ fields: HeaderFields) throws(ServiceError) {
    guard fields.encodings == 0 else {
      throw ServiceError(
        .unsupportedMediaType,
        "Compressed bodies are not taken.",
        remedy: "Send the body as it is, without Content-Encoding."
      )
    }
    let wanted: String
    switch route.body {
    case .none:
      guard announced == 0 else {
        throw ServiceError(.invalidRequest, "The route takes no body.")
      }
      return
    case .json: wanted = "application/json"
    case .octets: wanted = "application/octet-stream"
    }
    let types = fields.types
    if types.isEmpty, announced == 0, case .octets = route.body { return }
    guard types.count == 1, let type = types.first, Self.isType(type, wanted) else {
      throw ServiceError(
        .unsupportedMediaType,
        "The body is not of the route's type.",
        remedy: "Send Content-Type: \(wanted)."
      )
    }
  }

  /// Whether a Content-Type is `wanted`, with or without UTF-8 as its character set.
  private static func isType(_ type: String, _ wanted: String) -> Bool {
    let length = wanted.utf8.count
    guard type.utf8.prefix(length).elementsEqual(wanted.utf8, by: HeaderFields.isSameLetter) else {
      return false
    }
    let rest = type.utf8.dropFirst(length)
    return rest.isEmpty
      || ["; charset=utf-8", ";charset=utf-8"].contains {
        rest.elementsEqual($0.utf8, by: HeaderFields.isSameLetter)
      }
  }
}
