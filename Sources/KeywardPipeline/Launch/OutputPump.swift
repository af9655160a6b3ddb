import Dispatch
import Glibc
package import KeywardCrypto

/// Carries bytes from a command's output to where ours goes, masked, on a thread of its own.
package final class OutputPump: @unchecked Sendable {
  // Unchecked: the descriptors are constants, and the rest is used by its own thread alone.

  /// How long a byte may wait for what comes after it.
  package static let patience: Duration = .milliseconds(20)
  /// After the command's end: how long to wait for more from processes that still hold its output,
  /// and for how long in all.
  private static let grace: Duration = .milliseconds(200)
  private static let longestGrace: Duration = .seconds(2)

  private let input: CInt
  private let output: CInt
  private let wake: CInt
  private let isTerminal: Bool
  private let done = DispatchSemaphore(value: 0)

  /// Starts to carry from `input`, which it closes at the end unless it is a terminal.
  ///
  /// `wake` becomes readable or hangs up when the command has ended.
  package init(
    from input: CInt,
    to output: CInt,
    wake: CInt,
    isTerminal: Bool = false,
    _ matcher: MaskMatcher
  ) throws(CryptoError) {
    self.input = input
    self.output = output
    self.wake = wake
    self.isTerminal = isTerminal
    let stream = StreamBox(try MaskStream(matcher))
    let queue = DispatchQueue(label: "keyward.output")
    queue.async { [self] in
      carry(stream)
      done.signal()
    }
  }

  /// Waits until everything has been carried.
  package func finish() { done.wait() }

  private final class StreamBox: @unchecked Sendable {
    // Unchecked: handed to one thread.
    var stream: MaskStream
    init(_ stream: consuming MaskStream) { self.stream = stream }
  }

  private func carry(_ box: StreamBox) {
    let clock = ContinuousClock()
    var deadline: ContinuousClock.Instant?
    var ended: ContinuousClock.Instant?
    var lastByte = clock.now
    reading: while true {
      var limit = deadline
      if let ended {
        let end = min(lastByte + Self.grace, ended + Self.longestGrace)
        limit = min(limit ?? end, end)
        if clock.now >= end, limit == end { break reading }
      }
      var polled = [
        pollfd(fd: input, events: Int16(POLLIN), revents: 0),
        pollfd(fd: ended == nil ? wake : -1, events: Int16(POLLIN), revents: 0),
      ]
      let ready = poll(&polled, 2, limit.map { Self.milliseconds(until: $0, clock) } ?? -1)
      if ready < 0, errno != EINTR { break }
      if polled[1].revents != 0 {
        ended = clock.now
        lastByte = clock.now
      }
      if ready > 0, polled[0].revents != 0 {
        let count = box.stream.fill { buffer in
          var count = -1
          repeat {
            count = read(input, buffer.baseAddress, buffer.count)
          } while count < 0
            && errno == EINTR
          return count
        }
        // A terminal whose last process has gone fails with EIO.
        guard count > 0 else { break reading }
        lastByte = clock.now
        guard write(&box.stream) else { break reading }
        if !box.stream.isHolding {
          deadline = nil
        } else if deadline == nil {
          deadline = clock.now + Self.patience
        }
      } else if let due = deadline, clock.now >= due {
        box.stream.expire()
        deadline = nil
        guard write(&box.stream) else { break reading }
      }
    }
    box.stream.finish()
    _ = write(&box.stream)
    // So that a command that goes on writing is told by SIGPIPE, as it would be without us.
    if !isTerminal { close(input) }
  }

  private static func milliseconds(
    until instant: ContinuousClock.Instant,
    _ clock: ContinuousClock
  ) -> CInt {
    let left = clock.now.duration(to: instant)
    guard left > .zero else { return 0 }
    let (seconds, attoseconds) = left.components
    // Rounded up, lest the loop spin through the last millisecond.
    return CInt(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
  }

  private func write(_ stream: inout MaskStream) -> Bool {
    stream.drain { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let part = UnsafeRawBufferPointer(rebasing: rest)
        let count = Glibc.write(output, part.baseAddress, part.count)
        if count < 0, errno == EINTR { continue }
        if count < 0, errno == EAGAIN {
          // Whoever shares this output has made it non-blocking.
          var ready = pollfd(fd: output, events: Int16(POLLOUT), revents: 0)
          poll(&ready, 1, -1)
          continue
        }
        guard count > 0 else { return false }
        rest = rest.dropFirst(count)
      }
      return true
    }
  }
}
