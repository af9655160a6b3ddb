import KeywardKMSPlugin
import NIOCore
import Synchronization

/// The load on one connection: so many calls under way until the end, each one's time noted.
final class BenchRun: Sendable {
  private struct State {
    var latencies: [UInt64] = []
    var errors = 0
    var running: Int
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let client: KMSClient
  private let end: NIODeadline
  private let budget: CallBudget?
  private let call: @Sendable () -> KMSClient.Operation
  private let state: Mutex<State>

  /// A connection that only fails is given up.
  private static let maximumErrors = 1000

  init(
    _ client: KMSClient,
    slots: Int,
    until end: NIODeadline,
    within budget: CallBudget?,
    _ call: @escaping @Sendable () -> KMSClient.Operation
  ) {
    self.client = client
    self.end = end
    self.budget = budget
    self.call = call
    state = Mutex(State(running: slots))
    for _ in 0..<slots { next() }
  }

  /// Nanoseconds of each call that succeeded.
  var latencies: [UInt64] { state.withLock { $0.latencies } }
  var errors: Int { state.withLock { $0.errors } }

  /// Waits for the last call.
  func finish() async {
    await withCheckedContinuation { continuation in
      let isDone = state.withLock { state in
        guard state.running > 0 else { return true }
        state.waiter = continuation
        return false
      }
      if isDone { continuation.resume() }
    }
  }

  private func next() {
    let start = NIODeadline.now()
    guard start < end, errors < Self.maximumErrors, budget?.take() ?? true else { return stop() }
    client.start(call()) { [self] result in
      let time = (NIODeadline.now() - start).nanoseconds
      state.withLock { state in
        switch result {
        case .success: state.latencies.append(UInt64(max(0, time)))
        case .failure: state.errors += 1
        }
      }
      next()
    }
  }

  private func stop() {
    let waiter = state.withLock { state in
      state.running -= 1
      return state.running == 0 ? state.waiter.take() : nil
    }
    waiter?.resume()
  }
}

/// A number of calls that all connections share.
final class CallBudget: Sendable {
  private let left: Atomic<Int>

  init(_ calls: Int) {
    left = Atomic(calls)
  }

  /// Whether one more call may be made.
  func take() -> Bool { left.subtract(1, ordering: .relaxed).oldValue > 0 }
}
