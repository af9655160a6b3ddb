import KeywardCrypto
import NIOSSL
import Synchronization

/// The chains that clients showed, by the digest of their first certificate.
///
/// A resumed session brings back the client's own certificate and not the ones above it, without
/// which no authority can be found. What is remembered is as little trusted as what was shown. Chains of
/// clients that were known in some request have a place of their own: strangers, who can show as many
/// as they like, push out strangers alone.
final class ChainMemory: Sendable {
  private struct Shelf {
    var chains: [[UInt8]: [[UInt8]]] = [:]
    /// Digests in the order in which they came; some may be gone.
    private var order: [[UInt8]] = []

    mutating func put(_ chain: [[UInt8]], _ digest: [UInt8]) {
      if chains.updateValue(chain, forKey: digest) == nil { order.append(digest) }
      while order.count > ChainMemory.capacity { chains[order.removeFirst()] = nil }
    }

    mutating func remove(_ digest: [UInt8]) {
      guard chains.removeValue(forKey: digest) != nil else { return }
      order.removeAll { $0 == digest }
    }
  }

  private struct State {
    /// Of clients that nobody knows yet.
    var shown = Shelf()
    /// Of clients that were known.
    var known = Shelf()
  }

  private static let capacity = 1024

  private let state = Mutex(State())

  /// Remembers what a client showed.
  func remember(_ chain: [[UInt8]]) {
    guard chain.count > 1, let leaf = chain.first else { return }
    let digest = Digest.sha256(leaf)
    state.withLock { state in
      if state.known.chains[digest] != nil {
        state.known.put(chain, digest)
      } else {
        state.shown.put(chain, digest)
      }
    }
  }

  /// Keeps the chain of a client that was known: no stranger's takes its place.
  func keep(_ chain: [[UInt8]]) {
    guard chain.count > 1, let leaf = chain.first else { return }
    let digest = Digest.sha256(leaf)
    state.withLock { state in
      guard state.known.chains[digest] == nil else { return }
      state.shown.remove(digest)
      state.known.put(chain, digest)
    }
  }

  func chain(of leaf: [UInt8]) -> [[UInt8]] {
    let digest = Digest.sha256(leaf)
    return state.withLock { $0.known.chains[digest] ?? $0.shown.chains[digest] } ?? [leaf]
  }
}
