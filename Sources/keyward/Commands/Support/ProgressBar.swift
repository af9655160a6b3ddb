import Glibc
import Synchronization

/// How far a command has come, in one line of standard error, redrawn; nothing where no person looks.
///
/// May be advanced from many threads.
final class ProgressBar: Sendable {
  private struct Count {
    var done = 0
    var failed = 0
    var drawn = ""
  }

  private let total: Int
  private let isShown: Bool
  private let count = Mutex(Count())

  private static let width = 30

  init(total: Int) {
    self.total = total
    isShown = isatty(STDERR_FILENO) == 1
    if isShown { count.withLock { draw(&$0) } }
  }

  func advance(failed: Bool) {
    count.withLock { count in
      count.done += 1
      if failed { count.failed += 1 }
      if isShown { draw(&count) }
    }
  }

  /// Leaves the line, so that what follows stands below it.
  func finish() {
    if isShown { StandardStream.error("\n") }
  }

  private func draw(_ count: inout Count) {
    let filled = Self.width * count.done / max(total, 1)
    let bar =
      String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
    let failures = count.failed == 0 ? "" : ", \(count.failed) failed"
    // A thousand keys take a thousand lines to a slow terminal: one for each percent will do.
    let line = "[\(bar)] \(100 * count.done / max(total, 1)) % of \(total)\(failures)"
    guard line != count.drawn else { return }
    count.drawn = line
    StandardStream.error("\r\(line)")
  }
}
