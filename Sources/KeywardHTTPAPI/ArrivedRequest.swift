import KeywardCrypto
import KeywardModel

/// A request that has arrived as a whole, and of which nobody has yet asked whose it is.
struct ArrivedRequest: Sendable {
  /// The server's own id of the request.
  let id: String
  let route: Route
  let path: String
  let nameText: String
  let query: QueryValues
  let credentials: RequestCredentials
  let idempotencyKey: IdempotencyKey?
  let peer: Peer
  /// The JSON body; empty for other routes.
  let json: [UInt8]
  /// The octets of the body; nil for other routes.
  let octets: SecretBody?

  init(id: String, head: RequestHead, peer: Peer, json: [UInt8], octets: SecretBody?) {
    self.id = id
    route = head.route
    path = head.path
    nameText = head.nameText
    query = head.query
    credentials = head.credentials
    idempotencyKey = head.idempotencyKey
    self.peer = peer
    self.json = json
    self.octets = octets
  }

  /// The request in words, for who has to approve it; of a secret body nothing is told.
  ///
  /// A value is spelled so that it cannot look like a parameter, and a long one is cut, so that it
  /// hides none.
  ///
  /// It holds no more than it needs of the request: neither credentials nor octets.
  var summary: @Sendable () -> String {
    { [method = route.method.rawValue, path, query, json] in
      Self.summary(method, path, query, json)
    }
  }

  private static func summary(
    _ method: String,
    _ path: String,
    _ query: QueryValues,
    _ json: [UInt8]
  ) -> String {
    var text = "\(method) \(path)"
    for (index, (name, value)) in query.sorted.enumerated() {
      text += (index == 0 ? "?" : "&") + "\(name)=" + RequestSummary.value(value)
    }
    if !json.isEmpty { text += " with a body of sha256:" + Hex.encode(Digest.sha256(json)) }
    return text
  }

  func digest() throws(ServiceError) -> RequestDigest {
    let digest = CanonicalRequest.digest(
      method: route.method.rawValue,
      path: path,
      query: query,
      json: json,
      octets: octets
    )
    guard let digest else {
      throw ServiceError(.internalError, "The request could not be hashed.")
    }
    return digest
  }
}
