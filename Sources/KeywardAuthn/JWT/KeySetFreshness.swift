package import KeywardModel

/// When the keys of a remote issuer are fetched, and how long they serve.
///
/// A state machine without I/O: the caller fetches when it is told to and reports what came of it.
package struct KeySetFreshness: Hashable, Sendable {
  /// Seconds after which keys are fetched anew although all is well.
  package static let refreshInterval: Int64 = 3600
  /// Seconds between two fetches for an unknown `kid`: tokens with invented ones cost no more than this.
  package static let unknownKeyInterval: Int64 = 30
  /// Seconds that keys serve while their issuer cannot be reached.
  package static let offlineAge: Int64 = 86_400

  private var fetchedAt: Timestamp?
  private var triedAt: Timestamp?
  private var isFetching = false
  private var failures = 0

  package init() {}

  /// A token had a `kid` that is not among the keys; true when the caller shall fetch now.
  package mutating func unknownKey(now: Timestamp) -> Bool {
    guard !isFetching, isDue(now, Self.unknownKeyInterval) else { return false }
    return begin(now)
  }

  /// Time went by; true when the caller shall fetch now.
  package mutating func tick(now: Timestamp) -> Bool {
    guard !isFetching else { return false }
    let interval: Int64 =
      failures > 0
      ? min(Self.unknownKeyInterval << Int64(min(failures - 1, 7)), Self.refreshInterval)
      : fetchedAt == nil ? 0 : Self.refreshInterval
    guard isDue(now, interval) else { return false }
    return begin(now)
  }

  /// The keys came.
  package mutating func fetched(now: Timestamp) {
    isFetching = false
    failures = 0
    fetchedAt = max(now, fetchedAt ?? now)
  }

  /// They did not, or were not taken.
  package mutating func failed() {
    isFetching = false
    failures = min(failures + 1, 100)
  }

  /// Whether the keys that are there may still be used.
  package func areUsable(now: Timestamp) -> Bool {
    guard let fetchedAt else { return false }
    return now < fetchedAt.adding(seconds: Self.offlineAge)
  }

  private mutating func begin(_ now: Timestamp) -> Bool {
    isFetching = true
    triedAt = now
    return true
  }

  /// Whether the last try is `interval` seconds ago; a clock that stepped back counts as long ago.
  private func isDue(_ now: Timestamp, _ interval: Int64) -> Bool {
    guard let triedAt, triedAt <= now else { return true }
    return now >= triedAt.adding(seconds: interval)
  }
}
