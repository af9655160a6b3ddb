package import KeywardModel
import Synchronization

/// Notices a clock that was set back, and never shows time running backwards.
///
/// Entries keep the latest time that was seen until the clock passes it again; meanwhile nothing
/// that is due by time is carried out, since how late it is cannot be known.
package final class ClockWatch: Sendable {
  private let latest = Mutex(Timestamp(milliseconds: .min))
  private let behind = Mutex<Int64>(0)

  /// How far the clock must be behind to count as set back, in milliseconds: steps of a time
  /// service are smaller.
  package static let tolerance: Int64 = 60_000

  /// The later of `clock` and what was seen before.
  package func read(_ clock: Timestamp) -> Timestamp {
    latest.withLock { latest in
      behind.withLock {
        $0 = latest.milliseconds == .min ? 0 : max(0, latest.milliseconds - clock.milliseconds)
      }
      if clock > latest { latest = clock }
      return latest
    }
  }

  /// Starts from a time that the store remembers.
  package func remember(_ time: Timestamp) {
    latest.withLock { if time > $0 { $0 = time } }
  }

  /// Whether the clock was set back and has not caught up.
  package var isSetBack: Bool { behind.withLock { $0 } > ClockWatch.tolerance }
}
