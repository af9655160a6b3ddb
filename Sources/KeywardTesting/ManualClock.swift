package import KeywardModel
import KeywardService
import Synchronization

/// A clock that stands still until a test moves it.
package final class ManualClock: TimeSource {
  private let time: Mutex<Timestamp>

  /// Starts at 2026-01-01T00:00:00Z.
  package init() {
    time = Mutex(Timestamp(milliseconds: 1_767_225_600_000))
  }

  package func now() -> Timestamp {
    time.withLock { $0 }
  }

  /// Moves on, or back when `seconds` is negative.
  package func advance(seconds: Int64) {
    time.withLock { $0 = $0.adding(seconds: seconds) }
  }
}
