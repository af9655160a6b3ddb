package import KeywardCrypto

/// A request to send.
package struct HTTPClientRequest: Sendable {
  package enum Body: Sendable {
    case none
    case bytes([UInt8], contentType: String)
    /// Sent from the arena as `application/octet-stream`.
    case secret(SecretBox)
  }

  package enum Method: String, Sendable {
    case get = "GET"
    case post = "POST"
  }

  package var method: Method
  /// Path and query, encoded, as `/api/v1/keys?limit=10`.
  package var target: String
  package var headers: [(name: String, value: String)] = []
  package var body = Body.none
  /// For the whole exchange, in milliseconds; a transfer to a descriptor instead has it between
  /// two bytes.
  package var timeout = 60_000

  package init(_ method: Method, _ target: String, body: Body = .none) {
    self.method = method
    self.target = target
    self.body = body
  }
}

/// Where the body of a successful answer goes; that of an error always comes back as bytes.
package enum HTTPClientSink: Sendable {
  case bytes(limit: Int)
  /// Straight from libcurl's buffer into the arena.
  case secret(limit: Int)
  /// Written to a descriptor as it comes, which stays open.
  case descriptor(CInt)
}

/// An answer of any status.
package struct HTTPClientResponse: Sendable {
  package let status: Int
  /// By lower-case name; the last one of a repeated header.
  package let headers: [String: String]
  /// Empty when the body went elsewhere.
  package let bytes: [UInt8]
  /// The body that was asked for as a secret.
  package let secret: SecretBox?
}
