import Dispatch
package import KeywardExport
import KeywardHTTPClient

/// Speaks to providers through libcurl: TLS verified, no redirects, bounded answers.
///
/// A request that may not be repeated goes out once, also on a kept connection that has died.
package final class CurlTransport: CloudTransport {
  /// With the authorities that are trusted instead of the system's, if any are named.
  private let files: TLSFiles
  /// For a whole exchange, in milliseconds.
  private let timeout: Int

  /// Wrapping parameters of AWS have 10 KB, a version of Google with its attestation 100.
  private static let limit = 1 << 20

  /// `authorities` is a PEM file, `authorityText` the PEM itself.
  package init(authorities: String? = nil, authorityText: String? = nil, timeout: Int = 30_000) {
    files = TLSFiles(authorities: authorities, authorityText: authorityText)
    self.timeout = timeout
  }

  package func send(_ request: CloudRequest) async throws(CloudTransportError) -> CloudResponse {
    guard let url = HTTPSURL(request.url) else {
      throw .failed("the address is not a plain https URL")
    }
    let result: Result<CloudResponse, CloudTransportError> = await withCheckedContinuation {
      continuation in
      // A queue of its own has a thread of its own at once; of those that queues share, new ones come by
      // the second, and one provider that hangs would have them all.
      DispatchQueue(label: "keyward.clouds", qos: .userInitiated).async {
        continuation.resume(
          returning: Result { () throws(CloudTransportError) in
            try self.exchange(url, request)
          }
        )
      }
    }
    return try result.get()
  }

  private func exchange(
    _ url: HTTPSURL,
    _ request: CloudRequest
  ) throws(CloudTransportError) -> CloudResponse {
    let response: HTTPClientResponse
    do throws(HTTPClientError) {
      response = try CloudConnections.shared.exchange(
        with: CloudConnections.Place(authority: url.authority, files: files)
      ) { connection throws(HTTPClientError) in
        try connection.send(
          message(url, request),
          to: request.isAnswerSecret ? .secret(limit: Self.limit) : .bytes(limit: Self.limit)
        )
      }
    } catch {
      throw CloudTransportError(error)
    }
    guard !(300...399).contains(response.status) else {
      throw .redirected(status: response.status)
    }
    return CloudResponse(
      status: response.status,
      body: response.bytes,
      secret: response.secret,
      retryAfter: response.headers["retry-after"].flatMap { Int($0) }
    )
  }

  private func message(_ url: HTTPSURL, _ request: CloudRequest) -> HTTPClientRequest {
    let method: HTTPClientRequest.Method =
      switch request.method {
      case .get: .get
      case .post: .post
      case .put: .put
      case .delete: .delete
      }
    var message = HTTPClientRequest(method, url.target)
    message.headers = request.headers
    message.secretHeaders = request.secretHeader.map { [$0] } ?? []
    message.timeout = timeout
    message.isSentOnce = request.repetition != .always
    let type = request.contentType ?? "application/octet-stream"
    message.body =
      switch request.body {
      case .none: .none
      case .bytes(let bytes): .bytes(bytes, contentType: type)
      case .secret(let secret): .typedSecret(secret, contentType: type)
      }
    return message
  }
}

extension CloudTransportError {
  init(_ error: HTTPClientError) {
    switch error {
    case .unreachable(let reason): self = .unreachable(reason)
    case .timedOut: self = .timedOut
    case .interrupted(let reason): self = .interrupted(reason)
    case .tooLarge(let limit): self = .tooLarge(limit: limit)
    case .untrusted(let reason): self = .untrusted(reason)
    case .output(let reason), .failed(let reason): self = .failed(reason)
    case .outOfSecureMemory: self = .failed("no locked memory is left for the answer")
    }
  }
}
