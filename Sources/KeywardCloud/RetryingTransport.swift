package import KeywardExport

/// Sends again what may be sent again, after growing pauses of random length.
///
/// What spends a token goes out once. What makes something goes out again only when the provider has
/// certainly not acted. A certificate, a redirect or an answer too large is no passing trouble.
package struct RetryingTransport: CloudTransport {
  let base: any CloudTransport
  private let attempts: Int
  private let pause: @Sendable (Int) async -> Void

  /// The first pause has up to so many milliseconds, each next up to twice as many.
  private static let firstPause = 250
  private static let longestPause = 8000

  package init(
    _ base: any CloudTransport,
    attempts: Int = 4,
    pause: @escaping @Sendable (Int) async -> Void
  ) {
    self.base = base
    self.attempts = attempts
    self.pause = pause
  }

  package func send(_ request: CloudRequest) async throws(CloudTransportError) -> CloudResponse {
    for attempt in 1..<max(2, attempts) {
      let wait: Int?
      do throws(CloudTransportError) {
        let response = try await base.send(request)
        guard Self.mayRepeat(request.repetition, after: response) else { return response }
        wait = response.retryAfter.map { min(max($0, 0), 60) * 1000 }
      } catch {
        guard Self.mayRepeat(request.repetition, after: error) else { throw error }
        wait = nil
      }
      let ceiling = min(Self.longestPause, Self.firstPause << (attempt - 1))
      // Spread out, so that many clients do not come back at one moment.
      await pause(max(wait ?? 0, Int.random(in: 0...ceiling)))
    }
    return try await base.send(request)
  }

  package static func mayRepeat(
    _ repetition: CloudRequest.Repetition,
    after error: CloudTransportError
  ) -> Bool {
    switch (repetition, error) {
    case (.never, _): false
    case (_, .unreachable): true
    case (.always, .interrupted): true
    default: false
    }
  }

  package static func mayRepeat(
    _ repetition: CloudRequest.Repetition,
    after response: CloudResponse
  ) -> Bool {
    if repetition == .never { return false }
    switch response.status {
    case 429: return true
    case 400: return isThrottled(response.body)
    case 500, 502, 503, 504: return repetition == .always
    default: return false
    }
  }

  /// AWS says "later" with status 400.
  private static func isThrottled(_ body: [UInt8]) -> Bool {
    let text = String(decoding: body.prefix(256), as: UTF8.self)
    return text.contains("ThrottlingException\"")
  }
}
