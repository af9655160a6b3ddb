import Dispatch
import Synchronization

/// The one thread that writes: it runs its body once for each time it is woken.
final class CommitThread: Sendable {
  private let turns = DispatchSemaphore(value: 0)
  private let isOver = Atomic<Bool>(false)

  /// Starts it; a queue of its own has a thread of its own.
  func start(_ body: @escaping @Sendable () -> Void) {
    DispatchQueue(label: "keyward.commit", qos: .userInteractive).async {
      while true {
        self.turns.wait()
        if self.isOver.load(ordering: .acquiring) { return }
        body()
      }
    }
  }

  func wake() { turns.signal() }

  /// Ends it once its body has returned.
  func end() {
    isOver.store(true, ordering: .releasing)
    turns.signal()
  }
}
