import KeywardModel

/// How many entries the log takes of requests that proved no identity: a flood of them must not fill
/// the disk.
///
/// What is over the budget of a second is counted, and the next entry tells the count.
struct AnonymousBudget: Sendable {
  static let perSecond = 200

  private var second: Int64 = .min
  private var taken = 0
  private var dropped: UInt64 = 0

  /// Whether an entry may be made at `now`; then also how many were left out before it.
  mutating func take(at now: Timestamp) -> (isTaken: Bool, dropped: UInt64) {
    let current = now.milliseconds / 1000
    if current != second {
      second = current
      taken = 0
    }
    guard taken < Self.perSecond else {
      dropped += 1
      return (false, 0)
    }
    taken += 1
    defer { dropped = 0 }
    return (true, dropped)
  }
}
