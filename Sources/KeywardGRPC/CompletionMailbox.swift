import NIOCore
import Synchronization

/// Answers on their way from other threads to one event loop.
///
/// However many arrive together, the loop is woken once and each connection is flushed once.
final class CompletionMailbox: Sendable {
  private typealias Entry = (call: GRPCCall, outcome: GRPCCall.Outcome)

  private let eventLoop: any EventLoop
  private let pending = Mutex<[Entry]>([])

  init(_ eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
  }

  func post(_ call: GRPCCall, _ outcome: GRPCCall.Outcome) {
    let isFirst = pending.withLock { pending in
      pending.append((call, outcome))
      return pending.count == 1
    }
    if isFirst { eventLoop.execute { self.deliver() } }
  }

  private func deliver() {
    let batch = pending.withLock { pending in
      defer { pending = [] }
      return pending
    }
    for (call, outcome) in batch { call.transport.write(call, outcome) }
    for (call, _) in batch { call.transport.flushIfNeeded() }
  }
}
