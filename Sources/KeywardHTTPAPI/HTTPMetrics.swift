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
    var failedHandshakes: UInt64 = 0
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

  func countFailedHandshake() { state.withLock { $0.failedHandshakes += 1 } }

  func countRefusedConnection() { state.withLock { $0.refusedConnections += 1 } }

  var refusedPeers: UInt64 { state.withLock { $0.refusedPeers } }

  static func text(_ entries: [HTTPFigures.Entry]) -> String {
    let all = entries.map { entry in
      (
        labels: "listener=\"\(entry.listener)\"", now: entry.metrics.state.withLock { $0 },
        entry.load
      )
    }
    var text = ""
    func begin(_ name: String, _ type: String, _ help: String) {
      text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }
    begin("keyward_http_requests_total", "counter", "Answers by listener, route and status.")
    for (labels, now, _) in all {
      for (key, value) in now.requests.sorted(by: { $0.key < $1.key }) {
        let route = key.route < 0 ? "none" : RouteTable.all[key.route].name
        text += "keyward_http_requests_total{\(labels),route=\"\(route)\","
        text += "status=\"\(key.status)\"} \(value)\n"
      }
    }
    begin(
      "keyward_http_request_seconds",
      "histogram",
      "Time from the end of the headers to the answer."
    )
    for (labels, now, _) in all {
      for (bound, value) in zip(bounds, now.buckets) {
        let le = Double(bound) / 1000
        text += "keyward_http_request_seconds_bucket{\(labels),le=\"\(le)\"} \(value)\n"
      }
      text += """
        keyward_http_request_seconds_bucket{\(labels),le="+Inf"} \(now.count)
        keyward_http_request_seconds_sum{\(labels)} \(Double(now.nanoseconds) / 1e9)
        keyward_http_request_seconds_count{\(labels)} \(now.count)

        """
    }
    func series(_ name: String, _ type: String, _ help: String, _ value: (State, HTTPLoad) -> Int) {
      begin(name, type, help)
      for (labels, now, load) in all { text += "\(name){\(labels)} \(value(now, load))\n" }
    }
    series(
      "keyward_http_refused_peers_total",
      "counter",
      "Connections of users that are not allowed."
    ) { now, _ in Int(clamping: now.refusedPeers) }
    series(
      "keyward_http_refused_connections_total",
      "counter",
      "Connections over a limit."
    ) { now, _ in Int(clamping: now.refusedConnections) }
    series(
      "keyward_https_failed_handshakes_total",
      "counter",
      "Connections that ended before TLS was agreed on."
    ) { now, _ in Int(clamping: now.failedHandshakes) }
    series("keyward_http_connections", "gauge", "Open connections.") { $1.connections }
    series(
      "keyward_http_requests_in_flight",
      "gauge",
      "Requests whose handler runs."
    ) { $1.requests }
    return text
  }
}
