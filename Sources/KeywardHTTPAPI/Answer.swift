import FoundationEssentials
import KeywardCrypto
import KeywardModel

/// What a handler gives back for a success.
struct Answer: Sendable {
  enum Body: Sendable {
    case bytes([UInt8])
    /// Written from the arena and wiped from the connection's buffer once sent.
    case secret(SecretBody)
    case stream(ChunkStream)
  }

  var status = 200
  var contentType: String
  var headers: [(name: String, value: String)] = []
  var body: Body
  /// The code of a problem document; nil for a success.
  var code: ErrorCode?

  /// A JSON answer; the keys are sorted, so that equal values are equal bytes.
  static func json(
    _ value: some Encodable,
    status: Int = 200
  ) throws(ServiceError) -> Answer {
    Answer(
      status: status,
      contentType: "application/json",
      body: .bytes(try JSONBody.encode(value))
    )
  }

  /// A JSON answer of those that are given so often that a general encoder is too slow.
  static func json(_ text: JSONText) -> Answer {
    Answer(contentType: "application/json", body: .bytes(text.bytes))
  }

  static func text(_ text: String, status: Int = 200) -> Answer {
    Answer(
      status: status,
      contentType: "text/plain; charset=utf-8",
      body: .bytes(Array(text.utf8))
    )
  }

  static func octets(_ result: PublicResult) -> Answer {
    Answer(
      contentType: "application/octet-stream",
      headers: [("Keyward-Key-Version", String(result.version))],
      body: .bytes(result.bytes)
    )
  }

  static func secret(_ result: SecretResult) -> Answer {
    Answer(
      contentType: "application/octet-stream",
      headers: [("Keyward-Key-Version", String(result.version))],
      body: .secret(result.body)
    )
  }

  static func secret(_ body: SecretBody) -> Answer {
    Answer(contentType: "application/octet-stream", body: .secret(body))
  }

  static func stream(_ stream: ChunkStream) -> Answer {
    Answer(contentType: stream.contentType, body: .stream(stream))
  }

  /// The problem document of an error (RFC 9457).
  ///
  /// `retryAfter` is in seconds.
  static func problem(
    _ error: ServiceError,
    requestID: String,
    retryAfter: Int = 1
  ) -> Answer {
    let document = ProblemDocument(error, requestID: requestID)
    let bytes = try? JSONBody.encode(document)
    var headers: [(name: String, value: String)] = []
    switch error.code.httpStatus {
    case 401: headers = [("WWW-Authenticate", "Bearer")]
    case 429, 503: headers = [("Retry-After", String(retryAfter))]
    default: break
    }
    return Answer(
      status: error.code.httpStatus,
      contentType: "application/problem+json",
      headers: headers,
      body: .bytes(bytes ?? []),
      code: error.code
    )
  }

  /// The answer to a request over its rate.
  static func throttled(requestID: String, retryAfter: Int) -> Answer {
    let error = ServiceError(
      .tooManyRequests,
      "There are too many requests.",
      remedy: "Wait for as long as Retry-After says."
    )
    return problem(error, requestID: requestID, retryAfter: retryAfter)
  }
}

extension Result where Success: Encodable, Failure == ServiceError {
  /// The JSON answer of a reply.
  var json: Result<Answer, ServiceError> {
    flatMap { value in
      Result<Answer, ServiceError> { () throws(ServiceError) in try .json(value) }
    }
  }
}
