import NIOCore

/// One timer for all the deadlines of a connection.
///
/// Deadlines are noted as calls begin and looked at when the timer fires; a call that ends in time
/// costs nothing, where a timer of its own would have to be cancelled.
struct ExpiryTimer {
  private var earliest = NIODeadline.distantFuture
  private var scheduled: (task: Scheduled<Void>, deadline: NIODeadline)?

  /// Remembers a deadline until `arm`.
  mutating func note(_ deadline: NIODeadline) {
    earliest = min(earliest, deadline)
  }

  /// Sets the timer, if a noted deadline comes before the one it is set to.
  ///
  /// Calls that are over already need no timer: the caller says so by `hasCalls`.
  mutating func arm(
    on eventLoop: any EventLoop,
    hasCalls: Bool,
    _ fire: @escaping () -> Void
  ) {
    defer { earliest = .distantFuture }
    guard hasCalls, earliest < scheduled?.deadline ?? .distantFuture else { return }
    scheduled?.task.cancel()
    let task = eventLoop.assumeIsolated().scheduleTask(deadline: earliest) { fire() }
    scheduled = (task, earliest)
  }

  /// The timer fired: note what is still open, then `arm` again.
  mutating func fired() {
    scheduled = nil
  }

  mutating func cancel() {
    scheduled?.task.cancel()
    scheduled = nil
  }
}
