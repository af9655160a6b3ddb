import KeywardAuthn
import KeywardModel
import Logging

/// Brings the key sets and discovery documents of remote issuers.
package protocol KeySetSource: Sendable {
  /// The body of `url`, at most 256 KiB, over verified TLS and without following redirects.
  func fetch(_ url: String) async throws -> [UInt8]
}

/// The keys of remote issuers: fetched ahead of time, and once more for a key that is not known.
extension KeywardService {
  /// Fetches what is due; issuers that cannot be reached keep their keys for a stated age.
  func refreshKeySets(_ state: UnsealedState) async {
    let due = state.access.withIdentities { $0.due(at: now()) }
    await fetchKeys(due, state)
  }

  /// Fetches key sets one after the other, and says in the log which could not be had.
  func fetchKeys(_ due: [(id: IssuerID, source: KeySource)], _ state: UnsealedState) async {
    for (id, source) in due {
      do {
        let keySet = try await keySet(id, source)
        if let conflict = state.access.withIdentities({
          $0.fetched(keySet, for: id, from: source, at: now())
        }) {
          logger.error(
            "The keys of an issuer are not taken",
            metadata: ["issuer": "\(id)", "error": "\(conflict)"]
          )
        }
      } catch {
        state.access.withIdentities { $0.failed(id) }
        logger.warning(
          "The keys of an issuer could not be fetched",
          metadata: ["issuer": "\(id)", "error": "\(error)"]
        )
      }
    }
  }

  private func keySet(_ id: IssuerID, _ source: KeySource) async throws -> JSONWebKeySet {
    guard let keySetSource else { throw ServiceError(.unimplemented, "No HTTP client is there.") }
    let url: String
    switch source {
    case .pinned(let bytes): return try JSONWebKeySet(bytes)
    case .url(let named): url = named
    case .discovery:
      let document = try await keySetSource.fetch(DiscoveryDocument.url(of: id.url))
      url = try DiscoveryDocument.keySetURL(document, issuer: id.url)
    }
    return try JSONWebKeySet(try await keySetSource.fetch(url))
  }
}
