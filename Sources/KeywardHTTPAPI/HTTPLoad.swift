import KeywardModel
import Synchronization

/// What the server holds at one moment, bounded by its limits.
final class HTTPLoad: Sendable {
  private struct State {
    var connections = 0
    /// Open connections by address; no more entries than connections.
    var addresses: [NetworkAddress: Int] = [:]
    var requests = 0
    var bodyBytes = 0
  }

  private let state = Mutex(State())
  private let limits: HTTPLimits

  init(_ limits: HTTPLimits) {
    self.limits = limits
  }

  var connections: Int { state.withLock { $0.connections } }
  var requests: Int { state.withLock { $0.requests } }
  var bodyBytes: Int { state.withLock { $0.bodyBytes } }

  /// False when there are as many connections as may be, in all or from this address.
  func openConnection(from address: NetworkAddress? = nil) -> Bool {
    state.withLock { state in
      guard state.connections < limits.connections else { return false }
      if let address {
        let open = state.addresses[address, default: 0]
        guard open < limits.connectionsPerAddress else { return false }
        state.addresses[address] = open + 1
      }
      state.connections += 1
      return true
    }
  }

  func closeConnection(from address: NetworkAddress? = nil) {
    state.withLock { state in
      state.connections -= 1
      guard let address, let open = state.addresses[address] else { return }
      state.addresses[address] = open > 1 ? open - 1 : nil
    }
  }

  /// False when as many handlers run as may; health checks are let in anyway.
  func beginRequest(isHealthCheck: Bool) -> Bool {
    state.withLock { state in
      guard isHealthCheck || state.requests < limits.requestsInFlight else { return false }
      state.requests += 1
      return true
    }
  }

  func endRequest() {
    state.withLock { state in
      // A handler that replies twice would raise the limit for good.
      precondition(state.requests > 0, "a request ended twice")
      state.requests -= 1
    }
  }

  func reserveBody(_ count: Int) -> Bool {
    state.withLock { state in
      guard state.bodyBytes <= limits.bodyBytes - count else { return false }
      state.bodyBytes += count
      return true
    }
  }

  func releaseBody(_ count: Int) {
    state.withLock { $0.bodyBytes -= count }
  }
}
