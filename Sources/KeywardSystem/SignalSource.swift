import Dispatch
import Glibc

/// Signals as values: a handler on a queue of its own, or an asynchronous sequence.
///
/// Nothing runs inside a signal handler, so the handler may lock, allocate and call NIO.
///
/// Unchecked: the sources are thread-safe objects of Dispatch that are only cancelled.
package final class SignalSource: @unchecked Sendable {
  /// The signals a server answers.
  package enum Signal: Sendable, CaseIterable {
    case terminate
    case interrupt
    case hangUp

    var number: CInt {
      switch self {
      case .terminate: SIGTERM
      case .interrupt: SIGINT
      case .hangUp: SIGHUP
      }
    }
  }

  private let sources: [any DispatchSourceSignal]

  /// Starts to watch; the default action of the signals is off from now on, for good.
  package init(_ signals: [Signal], handler: @escaping @Sendable (Signal) -> Void) {
    let queue = DispatchQueue(label: "keyward.signals")
    sources = signals.map { signal in
      Glibc.signal(signal.number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: signal.number, queue: queue)
      source.setEventHandler { @Sendable in handler(signal) }
      source.activate()
      return source
    }
  }

  deinit {
    for source in sources { source.cancel() }
  }

  /// The signals as they come; ends the watching when the sequence is dropped.
  package static func stream(_ signals: [Signal]) -> AsyncStream<Signal> {
    AsyncStream { continuation in
      let source = SignalSource(signals) { signal in continuation.yield(signal) }
      continuation.onTermination = { @Sendable _ in withExtendedLifetime(source) {} }
    }
  }
}
