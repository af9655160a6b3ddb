import KeywardModel

/// How many entries the log takes of requests that proved no identity: a flood of them must not fill
/// the disk.
///
/// A burst, then a trickle; what is over that is counted, and the next entry tells the count.
struct AnonymousBudget: Sendable {
  static let burst: Int64 = 200
  static let perSecond: Int64 = 5

  private var tokens = burst * 1000
  private var latest: Timestamp?
  private var dropped: UInt64 = 0

  /// Whether an entry may be made at `now`; then also how many were left out before it.
  mutating func take(at now: Timestamp) -> (isTaken: Bool, dropped: UInt64) {
    if let latest, now > latest {
      let passed = min(now.milliseconds - latest.milliseconds, 1000 * Self.burst)
      tokens = min(tokens + passed * Self.perSecond, Self.burst * 1000)
    }
    latest = max(now, latest ?? now)
    guard tokens >= 1000 else {
      dropped += 1
      return (false, 0)
    }
    tokens -= 1000
    defer { dropped = 0 }
    return (true, dropped)
  }
}
