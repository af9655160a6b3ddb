import KeywardCrypto
import NIOSSL
import Synchronization

/// The chains that clients showed, by the digest of their first certificate.
///
/// A resumed session brings back the client's own certificate and not the ones above it, without
/// which no authority can be found. What is remembered is as little trusted as what was shown.
final class ChainMemory: Sendable {
  private struct State {
    var chains: [[UInt8]: [[UInt8]]] = [:]
    /// Digests in the order in which they came.
    var order: [[UInt8]] = []
  }

  private static let capacity = 1024

  private let state = Mutex(State())

  func remember(_ chain: [[UInt8]]) {
    guard chain.count > 1, let leaf = chain.first else { return }
    let digest = Digest.sha256(leaf)
    state.withLock { state in
      if state.chains.updateValue(chain, forKey: digest) == nil { state.order.append(digest) }
      guard state.order.count > Self.capacity else { return }
      state.chains[state.order.removeFirst()] = nil
    }
  }

  func chain(of leaf: [UInt8]) -> [[UInt8]] {
    state.withLock { $0.chains[Digest.sha256(leaf)] } ?? [leaf]
  }
}
