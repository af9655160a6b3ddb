import Synchronization

/// Counters of the HTTP server: a fixed number of series, since every label is from a fixed set.
final class HTTPMetrics: Sendable {
  private struct Key: Hashable, Comparable {
    /// The index of the route; -1 for requests that matched none.
    let route: Int
    let status: Int

    static func < (left: Key, right: Key) -> Bool {
      (left.route, left.status) < (right.route, right.status)
    }
  }

  private struct State {
    var requests: [Key: UInt64] = [:]
    var buckets = [UInt64](repeating: 0, count: HTTPMetrics.bounds.count)
    var nanoseconds: Int64 = 0
    var count: UInt64 = 0
    var refusedPeers: UInt64 = 0
    var refusedConnections: UInt64 = 0
  }

  /// Upper bounds of the latency buckets, in milliseconds.
  private static let bounds = [1, 5, 25, 100, 500, 2500, 10_000]

  private let state = Mutex(State())

  func count(route: Int?, status: Int, nanoseconds: Int64) {
    state.withLock { state in
      state.requests[Key(route: route ?? -1, status: status), default: 0] += 1
      state.nanoseconds &+= nanoseconds
      state.count += 1
      for (index, bound) in Self.bounds.enumerated()
      where nanoseconds <= Int64(bound) * 1_000_000 {
        state.buckets[index] += 1
      }
    }
  }

  func countRefusedPeer() { state.withLock { $0.refusedPeers += 1 } }

  func countRefusedConnection() { state.withLock { $0.refusedConnections += 1 } }

  var refusedPeers: UInt64 { state.withLock { $0.refusedPeers } }

  /// The Prometheus text form (exposition format 0.0.4).
  func text(_ load: HTTPLoad) -> String {
    let now = state.withLock { $0 }
    var text = """
      # HELP keyward_http_requests_total Answers of the admin API by route and status.
      # TYPE keyward_http_requests_total counter

      """
    for (key, value) in now.requests.sorted(by: { $0.key < $1.key }) {
      let route = key.route < 0 ? "none" : RouteTable.all[key.route].name
      text +=
        "keyward_http_requests_total{route=\"\(route)\",status=\"\(key.status)\"} \(value)\n"
    }
    text += """
      # HELP keyward_http_request_seconds Time from the end of the headers to the answer.
      # TYPE keyward_http_request_seconds histogram

      """
    for (bound, value) in zip(Self.bounds, now.buckets) {
      text += "keyward_http_request_seconds_bucket{le=\"\(Double(bound) / 1000)\"} \(value)\n"
    }
    text += """
      keyward_http_request_seconds_bucket{le="+Inf"} \(now.count)
      keyward_http_request_seconds_sum \(Double(now.nanoseconds) / 1e9)
      keyward_http_request_seconds_count \(now.count)
      # HELP keyward_http_refused_peers_total Connections of users that are not allowed.
      # TYPE keyward_http_refused_peers_total counter
      keyward_http_refused_peers_total \(now.refusedPeers)
      # HELP keyward_http_refused_connections_total Connections over the limit.
      # TYPE keyward_http_refused_connections_total counter
      keyward_http_refused_connections_total \(now.refusedConnections)
      # HELP keyward_http_connections Open connections.
      # TYPE keyward_http_connections gauge
      keyward_http_connections \(load.connections)
      # HELP keyward_http_requests_in_flight Requests whose handler runs.
      # TYPE keyward_http_requests_in_flight gauge
      keyward_http_requests_in_flight \(load.requests)

      """
    return text
  }
}
