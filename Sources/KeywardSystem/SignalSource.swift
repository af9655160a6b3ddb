import CKeywardShims
import Dispatch
import Glibc

/// Signals as values: a handler on a queue of its own, or an asynchronous sequence.
///
/// The signal handler only writes a byte to a pipe, so what is called here may lock, allocate and
/// call NIO. One source at a time can have a signal.
///
/// Unchecked: the source is a thread-safe object of Dispatch that is only cancelled.
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

  private let signals: [Signal]
  private let source: any DispatchSourceRead

  /// Starts to watch; when the value goes away the signals are ignored.
  package init(_ signals: [Signal], handler: @escaping @Sendable (Signal) -> Void) {
    var ends: [CInt] = [-1, -1]
    // At start, before anything is served: without its signals a server could not be stopped.
    precondition(kw_pipe(&ends) == 0, "no descriptor left for a pipe of signals")
    let (output, input) = (ends[0], ends[1])
    self.signals = signals
    source = DispatchSource.makeReadSource(
      fileDescriptor: output,
      queue: DispatchQueue(label: "keyward.signals")
    )
    source.setEventHandler { @Sendable in
      for signal in Self.received(output) { handler(signal) }
    }
    source.setCancelHandler { @Sendable in
      close(output)
      close(input)
    }
    source.activate()
    for signal in signals { kw_signal_to_descriptor(signal.number, input) }
  }

  deinit {
    for signal in signals { kw_signal_to_descriptor(signal.number, -1) }
    source.cancel()
  }

  /// The signals as they come; they are ignored once the sequence is dropped.
  package static func stream(_ signals: [Signal]) -> AsyncStream<Signal> {
    let (stream, continuation) = AsyncStream.makeStream(of: Signal.self)
    let source = SignalSource(signals) { signal in continuation.yield(signal) }
    continuation.onTermination = { @Sendable _ in withExtendedLifetime(source) {} }
    return stream
  }

  private static func received(_ descriptor: CInt) -> [Signal] {
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = read(descriptor, &bytes, bytes.count)
    return bytes.prefix(max(count, 0)).compactMap { byte in
      Signal.allCases.first { $0.number == CInt(byte) }
    }
  }
}
