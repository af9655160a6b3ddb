import KeywardModel
import Synchronization

/// The counters of all HTTP servers of a process, for one `/metrics` on each of them.
package final class HTTPFigures: Sendable {
  struct Entry: Sendable {
    let listener: String
    let metrics: HTTPMetrics
    let load: HTTPLoad
  }

  private let entries = Mutex<[Entry]>([])

  package init() {}

  func add(_ door: Caller.Transport, _ metrics: HTTPMetrics, _ load: HTTPLoad) {
    entries.withLock {
      $0.append(Entry(listener: door.rawValue, metrics: metrics, load: load))
    }
  }

  /// The Prometheus text form (exposition format 0.0.4).
  func text() -> String { HTTPMetrics.text(entries.withLock { $0 }) }
}
