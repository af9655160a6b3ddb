import Synchronization

/// What a server has counted since its start.
package struct GRPCServerMetrics: Sendable, Equatable {
  package var connectionsAccepted = 0
  /// Closed before HTTP/2 because the peer's user is not allowed.
  package var connectionsRefusedByPeer = 0
  /// Closed before HTTP/2 because there were too many.
  package var connectionsRefusedByLimit = 0
  package var connectionsOpen = 0
  /// Closed because a preface, frame or header block was not finished in time.
  package var connectionsStalled = 0
  /// Closed for a violation of HTTP/2.
  package var protocolErrors = 0
  package var callsStarted = 0
  /// Reset by the client, or lost with its connection, before they were answered.
  package var callsCancelled = 0
  /// Answers by code: index 0 is OK, 4 DEADLINE_EXCEEDED; see `GRPCStatusCode`.
  package var callsByCode = [Int](repeating: 0, count: GRPCStatusCode.allCases.count)

  package init() {}

  /// Answers with this code.
  package func calls(_ code: GRPCStatusCode) -> Int { callsByCode[code.rawValue] }
}

/// The counters behind `GRPCServerMetrics`, shared by the loops of a server.
final class GRPCServerCounters: Sendable {
  let connectionsAccepted = Atomic(0)
  let connectionsRefusedByPeer = Atomic(0)
  let connectionsRefusedByLimit = Atomic(0)
  let connectionsOpen = Atomic(0)
  let connectionsStalled = Atomic(0)
  let protocolErrors = Atomic(0)
  let callsStarted = Atomic(0)
  let callsCancelled = Atomic(0)
  /// Most calls end with OK: those are counted without a lock.
  private let callsSucceeded = Atomic(0)
  private let callsFailed = Mutex([Int](repeating: 0, count: GRPCStatusCode.allCases.count))

  func countSuccess() {
    callsSucceeded.add(1, ordering: .relaxed)
  }

  func countFailure(_ code: GRPCStatusCode) {
    callsFailed.withLock { $0[code.rawValue] += 1 }
  }

  var snapshot: GRPCServerMetrics {
    var metrics = GRPCServerMetrics()
    metrics.connectionsAccepted = connectionsAccepted.load(ordering: .relaxed)
    metrics.connectionsRefusedByPeer = connectionsRefusedByPeer.load(ordering: .relaxed)
    metrics.connectionsRefusedByLimit = connectionsRefusedByLimit.load(ordering: .relaxed)
    metrics.connectionsOpen = connectionsOpen.load(ordering: .relaxed)
    metrics.connectionsStalled = connectionsStalled.load(ordering: .relaxed)
    metrics.protocolErrors = protocolErrors.load(ordering: .relaxed)
    metrics.callsStarted = callsStarted.load(ordering: .relaxed)
    metrics.callsCancelled = callsCancelled.load(ordering: .relaxed)
    metrics.callsByCode = callsFailed.withLock { $0 }
    metrics.callsByCode[GRPCStatusCode.ok.rawValue] = callsSucceeded.load(ordering: .relaxed)
    return metrics
  }
}
