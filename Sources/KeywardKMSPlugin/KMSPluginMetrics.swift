package import KeywardGRPC
import Synchronization

/// What one KMS socket has counted since its start.
package struct KMSPluginMetrics: Sendable, Equatable {
  /// Calls of one method that reached the backend.
  package struct Method: Sendable, Equatable {
    package var succeeded = 0
    package var failed = 0
  }

  package var status = Method()
  package var encrypt = Method()
  package var decrypt = Method()
  /// Requests that were malformed or outside the limits.
  package var refusedRequests = 0
  /// Answers of the backend outside the limits of the contract, which were not sent.
  package var invalidAnswers = 0
  package var transport = GRPCServerMetrics()
}

/// The counters behind `KMSPluginMetrics`.
final class KMSPluginCounters: Sendable {
  struct Method: ~Copyable, Sendable {
    private let succeeded = Atomic(0)
    private let failed = Atomic(0)

    func count(_ isSuccess: Bool) {
      if isSuccess {
        succeeded.add(1, ordering: .relaxed)
      } else {
        failed.add(1, ordering: .relaxed)
      }
    }

    var snapshot: KMSPluginMetrics.Method {
      KMSPluginMetrics.Method(
        succeeded: succeeded.load(ordering: .relaxed),
        failed: failed.load(ordering: .relaxed)
      )
    }
  }

  let status = Method()
  let encrypt = Method()
  let decrypt = Method()
  let refusedRequests = Atomic(0)
  let invalidAnswers = Atomic(0)

  func snapshot(_ transport: GRPCServerMetrics) -> KMSPluginMetrics {
    KMSPluginMetrics(
      status: status.snapshot,
      encrypt: encrypt.snapshot,
      decrypt: decrypt.snapshot,
      refusedRequests: refusedRequests.load(ordering: .relaxed),
      invalidAnswers: invalidAnswers.load(ordering: .relaxed),
      transport: transport
    )
  }
}
