import FoundationEssentials
import KeywardCrypto
import KeywardHTTPClient
import KeywardModel

/// The typed client of the native API; its methods are in one file for each part of the API.
///
/// Blocks the calling thread, one call at a time.
package final class KeywardClient {
  package let address: ServerAddress
  private let http: HTTPClient
  private let headers: [(name: String, value: String)]

  package init(
    _ address: ServerAddress,
    _ credentials: ClientCredentials = ClientCredentials()
  ) throws(ClientError) {
    self.address = address
    let bearer = credentials.bearer.map { ("Authorization", "Bearer " + $0.revealed) }
    let approval = credentials.approval.map { ("Keyward-Approval", $0.description) }
    headers = [bearer, approval].compactMap { $0 }
    do throws(HTTPClientError) {
      http = try HTTPClient(address.endpoint(credentials.files))
    } catch {
      throw .unintelligible(reason: "libcurl cannot be initialized")
    }
  }

  func get<Value: Decodable>(_ query: Query) throws(ClientError) -> Value {
    try decode(try send(HTTPClientRequest(.get, query.target), to: .bytes(limit: 16 << 20)))
  }

  func post<Value: Decodable>(
    _ query: Query,
    _ body: HTTPClientRequest.Body = .none
  ) throws(ClientError) -> Value {
    let request = HTTPClientRequest(.post, query.target, body: body)
    return try decode(try send(request, to: .bytes(limit: 16 << 20)))
  }

  func post<Value: Decodable>(
    _ query: Query,
    json: some Encodable
  ) throws(ClientError) -> Value {
    try post(query, .bytes(try encode(json), contentType: "application/json"))
  }

  /// Sends JSON and takes secret bytes.
  func postForSecret(
    _ query: Query,
    json: some Encodable
  ) throws(ClientError) -> SecretBox {
    try postForSecret(query, .bytes(try encode(json), contentType: "application/json"))
  }

  /// Takes secret bytes.
  func postForSecret(
    _ query: Query,
    _ body: HTTPClientRequest.Body = .none
  ) throws(ClientError) -> SecretBox {
    let request = HTTPClientRequest(.post, query.target, body: body)
    let limit = SecretLimits.headBytes + SecretLimits.fetchBytes + 4
    guard let secret = try send(request, to: .secret(limit: limit)).secret else {
      throw .unintelligible(reason: "the answer has no body")
    }
    return secret
  }

  func encode(_ json: some Encodable) throws(ClientError) -> [UInt8] {
    // In one order: an approval is bound to the bytes of the body, which a second run must send again.
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(json) else {
      throw .unintelligible(reason: "the request cannot be written as JSON")
    }
    return Array(data)
  }

  /// Sends secret bytes and takes public ones.
  func postOctets(
    _ query: Query,
    _ body: SecretBox
  ) throws(ClientError) -> (bytes: [UInt8], version: Int?) {
    let request = HTTPClientRequest(.post, query.target, body: .secret(body))
    let response = try send(request, to: .bytes(limit: 2 << 20))
    return (response.bytes, response.headers["keyward-key-version"].flatMap { Int($0) })
  }

  /// Sends secret bytes and takes secret ones.
  func postSecret(
    _ query: Query,
    _ body: SecretBox
  ) throws(ClientError) -> (body: SecretBox, version: Int?) {
    let request = HTTPClientRequest(.post, query.target, body: .secret(body))
    let response = try send(request, to: .secret(limit: 1 << 20))
    guard let secret = response.secret else {
      throw .unintelligible(reason: "the answer has no body")
    }
    return (secret, response.headers["keyward-key-version"].flatMap { Int($0) })
  }

  /// Writes a streamed answer to a descriptor as it comes.
  func stream(
    _ method: HTTPClientRequest.Method,
    _ query: Query,
    to descriptor: CInt
  ) throws(ClientError) {
    _ = try send(HTTPClientRequest(method, query.target), to: .descriptor(descriptor))
  }

  /// Plain text, as of `/metrics` and `/readyz`, with any status.
  package func text(_ path: String) throws(ClientError) -> (status: Int, text: String) {
    let response: HTTPClientResponse
    do throws(HTTPClientError) {
      var request = HTTPClientRequest(.get, path)
      request.headers = headers
      response = try http.send(request)
    } catch {
      throw clientError(error)
    }
    return (response.status, String(decoding: response.bytes, as: UTF8.self))
  }

  private func send(
    _ request: HTTPClientRequest,
    to sink: HTTPClientSink
  ) throws(ClientError) -> HTTPClientResponse {
    var request = request
    request.headers += headers
    // Longer than the server's own deadline, so that its words arrive.
    request.timeout = 130_000
    let response: HTTPClientResponse
    do throws(HTTPClientError) {
      response = try http.send(request, to: sink)
    } catch {
      throw clientError(error)
    }
    guard response.status < 400 else {
      let body = Data(response.bytes)
      guard let problem = try? JSONDecoder().decode(ProblemDocument.self, from: body) else {
        throw .unintelligible(reason: "status \(response.status) without a problem document")
      }
      throw .refused(problem)
    }
    guard (200..<300).contains(response.status) else {
      throw .unintelligible(reason: "status \(response.status)")
    }
    return response
  }

  private func decode<Value: Decodable>(
    _ response: HTTPClientResponse
  ) throws(ClientError) -> Value {
    do {
      return try JSONDecoder().decode(Value.self, from: Data(response.bytes))
    } catch {
      throw .unintelligible(reason: "the answer is not the JSON of this version")
    }
  }

  private func clientError(_ error: HTTPClientError) -> ClientError {
    switch error {
    case .unreachable(let reason):
      .unreachable(address: address.description, reason: reason)
    case .timedOut: .interrupted(reason: "no answer in time")
    case .interrupted(let reason): .interrupted(reason: reason)
    case .tooLarge(let limit):
      .unintelligible(reason: "the answer has more than \(limit) bytes")
    case .untrusted(let reason): .untrusted(address: address.description, reason: reason)
    case .failed(let reason): .unintelligible(reason: reason)
    case .output(let reason): .output(reason: reason)
    case .outOfSecureMemory: Self.outOfSecureMemory
    }
  }

  static let outOfSecureMemory = ClientError.output(
    reason: "no locked memory left for a secret; raise RLIMIT_MEMLOCK"
  )
}
