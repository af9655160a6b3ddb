import Dispatch
import KeywardHTTPClient
import KeywardModel
import KeywardService

/// Fetches key sets and discovery documents of issuers with libcurl, on a thread of its own.
///
/// The addresses come from the registry and from the issuers' own documents, never from a token (V03).
struct KeySetFetcher: KeySetSource {
  /// The authorities that are trusted instead of the system's; a PEM file.
  let authorities: String?
  private let queue = DispatchQueue(label: "keyward.key-sets", qos: .utility)

  init(authorities: String?) {
    self.authorities = authorities
  }

  /// The longest body, in bytes.
  private static let limit = 256 << 10

  func fetch(_ url: String) async throws -> [UInt8] {
    guard let address = HTTPSURL(url) else {
      throw ServiceError(.invalidRequest, "The address '\(url)' is not a plain https URL.")
    }
    let endpoint = HTTPEndpoint.https(
      authority: address.authority,
      TLSFiles(authorities: authorities)
    )
    return try await withCheckedThrowingContinuation { continuation in
      queue.async {
        continuation.resume(with: Result { try Self.get(endpoint, address.target) })
      }
    }
  }

  private static func get(_ endpoint: HTTPEndpoint, _ target: String) throws -> [UInt8] {
    var request = HTTPClientRequest(.get, target)
    request.headers = [("Accept", "application/json")]
    request.timeout = 5_000
    let response = try HTTPClient(endpoint).send(request, to: .bytes(limit: limit))
    guard response.status == 200 else {
      throw ServiceError(.unavailable, "The answer had status \(response.status).")
    }
    return response.bytes
  }
}
