import Dispatch
import KeywardStore
import Logging
import Synchronization

/// Sees to it that what was destroyed is in no file, on a thread of its own that nobody waits for.
///
/// What comes in while the file is searched goes together into the next search.
final class Scrubber: Sendable {
  private let store: any Store
  private let logger: Logger
  private let queue = DispatchQueue(label: "keyward.scrub", qos: .utility)
  private let waiting = Mutex<[[[UInt8]]]>([])

  init(_ store: any Store, logger: Logger) {
    self.store = store
    self.logger = logger
  }

  /// Puts envelopes in line that were overwritten or deleted; none empties the log all the same.
  func scrubSoon(_ removed: [[UInt8]]) {
    waiting.withLock { $0.append(removed) }
    queue.async { self.scrubSome() }
  }

  /// Returns once all that was put in line before is done.
  func finish() async {
    await withCheckedContinuation { done in queue.async { done.resume() } }
  }

  private func scrubSome() {
    let next: [[UInt8]]? = waiting.withLock { waiting in
      guard !waiting.isEmpty else { return nil }
      var next = waiting.removeFirst()
      while let more = waiting.first, next.count + more.count <= SQLiteStore.mostSearched {
        next += more
        waiting.removeFirst()
      }
      return next
    }
    // An earlier turn may have taken it along.
    guard let next else { return }
    do {
      try store.scrub(of: next)
    } catch {
      logger.error("Deleted bytes could not be overwritten yet", metadata: ["error": "\(error)"])
    }
  }
}
