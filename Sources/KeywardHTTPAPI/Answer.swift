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
  static func problem(_ error: ServiceError, requestID: String) -> Answer {
    let document = ProblemDocument(error, requestID: requestID)
    let bytes = try? JSONBody.encode(document)
    var headers: [(name: String, value: String)] = []
    switch error.code.httpStatus {
    case 401: headers = [("WWW-Authenticate", "Bearer")]
    case 503: headers = [("Retry-After", "1")]
    default: break
    }
    return Answer(
      status: error.code.httpStatus,
      contentType: "application/problem+json",
      headers: headers,
      body: .bytes(bytes ?? [])
    )
  }
}
