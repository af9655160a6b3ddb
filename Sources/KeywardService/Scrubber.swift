import Dispatch
import KeywardStore
import Logging
import Synchronization

/// Sees to it that what was destroyed is in no file, on a thread of its own that nobody waits for.
///
/// What is owed is known to the store. What comes in while the file is searched goes together into the
/// next search; what fails, as on a full disk, is tried again by the tick.
final class Scrubber: Sendable {
  /// The seconds after which a search or a rebuild counts as long.
  ///
  /// Ten times as long as it took passes until the next: commits wait for a rebuild.
  static let longSeconds = 2
  /// The shortest and the longest wait after a failure, in ticks.
  static let (shortestWait, longestWait) = (10, 320)

  private struct Pace {
    /// Whether a search is in line that has not begun.
    var isAsked = false
    /// The ticks until the next may begin, after one that failed or was long.
    var wait = 0
    /// The wait after the next failure.
    var next = Scrubber.shortestWait
  }

  private let store: any Store
  private let logger: Logger
  private let onFatal: @Sendable (StoreError) -> Void
  private let queue = DispatchQueue(label: "keyward.scrub", qos: .utility)
  private let pace = Mutex(Pace())

  /// `onFatal` is called when the disk can no longer be relied on: a sealed server has nobody else who asks.
  init(_ store: any Store, logger: Logger, onFatal: @escaping @Sendable (StoreError) -> Void) {
    self.store = store
    self.logger = logger
    self.onFatal = onFatal
  }

  /// Has the files searched for what is owed; if nothing is, the log is emptied all the same.
  ///
  /// After a failure this waits for the tick: what fills a disk is not tried with each destruction.
  func scrubSoon() {
    let isFirst = pace.withLock { pace in
      defer { pace.isAsked = true }
      return !pace.isAsked
    }
    if isFirst { queue.async { self.scrub() } }
  }

  /// Counts a second of the wait, and goes on at its end.
  func tick() {
    let isDue = pace.withLock { pace in
      guard pace.wait > 0 else { return false }
      pace.wait -= 1
      return pace.wait == 0
    }
    if isDue { scrubSoon() }
  }

  /// Returns once all that was asked for before is done, or has failed.
  func finish() async {
    await withCheckedContinuation { done in queue.async { done.resume() } }
  }

  private func scrub() {
    let mayTry = pace.withLock { pace in
      pace.isAsked = false
      return pace.wait == 0
    }
    guard mayTry else { return }
    do {
      var seconds = 0
      var isMore = true
      while isMore, seconds < Scrubber.longSeconds {
        let start = DispatchTime.now().uptimeNanoseconds
        isMore = try store.scrub()
        seconds = Int((DispatchTime.now().uptimeNanoseconds - start) / 1_000_000_000)
      }
      pace.withLock { [wait = seconds < Scrubber.longSeconds ? 0 : seconds * 10] in
        $0.wait = wait
        $0.next = Scrubber.shortestWait
      }
    } catch {
      let wait = pace.withLock { pace in
        pace.wait = pace.next
        pace.next = min(pace.next * 2, Scrubber.longestWait)
        return pace.wait
      }
      logger.error(
        "Deleted bytes could not be overwritten yet",
        metadata: ["error": "\(error)", "again_in_seconds": "\(wait)"]
      )
      if let error = error as? StoreError, error.isFatal { onFatal(error) }
    }
  }
}
