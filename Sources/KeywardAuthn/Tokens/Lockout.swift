package import KeywardModel

/// Slows down who guesses: after a few failures each further one doubles the time during which nothing
/// is tried for that identity.
///
/// In bounded memory, and without a clock: a time that steps back is taken to stand still.
package struct Lockout: Sendable {
  package enum Decision: Hashable, Sendable {
    case allowed
    /// Refuse without a look at the credential, with the same answer as for a wrong one.
    case locked(until: Timestamp)
  }

  /// Failures before the first delay.
  package static let freeFailures = 5
  /// Seconds of the longest delay, and after which a failure is forgotten.
  package static let longestDelay: Int64 = 900
  package static let mostIdentities = 10_000

  private struct Count: Sendable {
    var failures: Int
    var latest: Timestamp
  }

  private var counts: [LockoutIdentity: Count] = [:]

  package init() {}

  /// How many identities have failures.
  package var count: Int { counts.count }

  /// Asks before a credential of `identity` is looked at.
  package func decision(for identity: LockoutIdentity, now: Timestamp) -> Decision {
    guard let count = counts[identity], count.failures >= Self.freeFailures else {
      return .allowed
    }
    let until = count.latest.adding(seconds: Self.delay(count.failures))
    return max(now, count.latest) < until ? .locked(until: until) : .allowed
  }

  /// A credential of `identity` was wrong.
  package mutating func failed(_ identity: LockoutIdentity, now: Timestamp) {
    var count = counts[identity] ?? Count(failures: 0, latest: now)
    if Self.isForgotten(count, now) { count.failures = 0 }
    count.failures = min(count.failures + 1, 1000)
    count.latest = max(count.latest, now)
    if counts[identity] == nil, counts.count >= Self.mostIdentities { makeRoom(now) }
    counts[identity] = count
  }

  /// A credential of `identity` was right.
  package mutating func succeeded(_ identity: LockoutIdentity) {
    counts[identity] = nil
  }

  /// Drops what is forgotten; else the identity with the fewest failures, the oldest of them.
  ///
  /// So a flood of names that nobody has pushes each other out, and not the one that is guessed at.
  private mutating func makeRoom(_ now: Timestamp) {
    counts = counts.filter { !Self.isForgotten($0.value, now) }
    guard counts.count >= Self.mostIdentities else { return }
    // A part at once, so that a flood does not pay for the search each time.
    let order = counts.sorted { left, right in
      (left.value.failures, left.value.latest) < (right.value.failures, right.value.latest)
    }
    for (identity, _) in order.prefix(Self.mostIdentities / 10) { counts[identity] = nil }
  }

  private static func isForgotten(_ count: Count, _ now: Timestamp) -> Bool {
    now >= count.latest.adding(seconds: longestDelay + delay(count.failures))
  }

  /// 1, 2, 4 and so on seconds from the last free failure on.
  static func delay(_ failures: Int) -> Int64 {
    guard failures >= freeFailures else { return 0 }
    return min(1 << Int64(min(failures - freeFailures, 20)), longestDelay)
  }
}

/// Whom failures are counted for: one value for all spellings of a name (V09).
package struct LockoutIdentity: Hashable, Sendable {
  private let bytes: [UInt8]

  /// The identity that a login names, as the client wrote it.
  ///
  /// Only letters and digits count, in one case and one width, at most 64 of them: Vault's lockout could
  /// be walked around with capitals and spaces (CVE-2025-6004). Names that differ in other
  /// characters share a counter, which costs an attacker more and a user nothing.
  package init(login kind: Principal.Kind, name: String) {
    var folded = Array(kind.rawValue.utf8) + [0]
    let longest = folded.count + 64
    for scalar in name.unicodeScalars.prefix(4096) where folded.count < longest {
      var value = scalar.value
      // The full-width forms of ASCII.
      if (0xff01...0xff5e).contains(value) { value -= 0xfee0 }
      switch value {
      case 65...90: folded.append(UInt8(value + 32))
      case 48...57, 97...122: folded.append(UInt8(value))
      case 0x212a: folded.append(UInt8(ascii: "k"))
      case 0x17f: folded.append(UInt8(ascii: "s"))
      default: break
      }
    }
    bytes = folded
  }

  /// An identity that has been proved, such as one whose approvals or renewals fail.
  package init(_ principal: Principal) {
    var writer = RecordWriter("keyward/lockout/1")
    writer.add(principal.kind.rawValue)
    writer.add(principal.issuer)
    writer.add(optional: principal.cluster)
    writer.add(principal.name)
    bytes = writer.bytes
  }
}
