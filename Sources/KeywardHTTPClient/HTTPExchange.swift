package import KeywardCrypto

/// A request to send.
package struct HTTPClientRequest: Sendable {
  package enum Body: Sendable {
    case none
    case bytes([UInt8], contentType: String)
    /// Sent from the arena as `application/octet-stream`.
    case secret(SecretBox)
    /// Sent from the arena under another type, such as a form with a password in it.
    case typedSecret(SecretBox, contentType: String)
  }

  package enum Method: String, Sendable {
    case get = "GET"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"

    /// Whether a request of this method says how long its body is, even when there is none.
    var sendsBody: Bool { self == .post || self == .put || self == .patch }
  }

  package var method: Method
  /// Path and query, encoded, as `/api/v1/keys?limit=10`.
  package var target: String
  package var headers: [(name: String, value: String)] = []
  /// Headers whose values are bearer tokens and the like: read from the arena, and wiped with the
  /// list that libcurl sends them from.
  package var secretHeaders: [(name: String, value: SecretBox)] = []
  package var body = Body.none
  /// Whether the request must not go out twice.
  ///
  /// libcurl sends a request again, silently, when a kept connection turns out to be dead, and the
  /// server may have acted on the first one. One that is sent once has a body that libcurl cannot go
  /// back in; without a body it has a new connection.
  package var isSentOnce = false
  /// For the whole exchange, in milliseconds; a transfer to a descriptor instead has it between
  /// two bytes.
  package var timeout = 60_000

  /// Whether a byte of a body goes out.
  var hasBody: Bool {
    guard method.sendsBody else { return false }
    return switch body {
    case .none: false
    case .bytes(let bytes, _): !bytes.isEmpty
    case .secret(let secret), .typedSecret(let secret, _): secret.bytes.count > 0
    }
  }

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
