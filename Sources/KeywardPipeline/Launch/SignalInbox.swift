import CKeywardShims
import Glibc
package import KeywardSystem

/// Every signal that can be caught, as messages on a pipe.
///
/// Those that were ignored at the start stay so, as `nohup` wants it. Real-time signals too.
package final class SignalInbox {
  package struct Message: Equatable, Sendable {
    package let number: CInt
    /// Not sent by a process: a terminal, a timer, the kernel.
    package let isFromKernel: Bool
    package let sender: CInt
  }

  /// The end to poll.
  package let descriptor: CInt
  private let writer: CInt

  /// The signals that are taken: all but those that nobody can catch or libc keeps.
  package static let numbers: [CInt] =
    (1..<32).filter { $0 != SIGKILL && $0 != SIGSTOP }
    + Array(kw_first_realtime()...kw_last_realtime())

  package init() throws(SystemError) {
    var ends: [CInt] = [-1, -1]
    let code = kw_pipe(&ends)
    guard code == 0 else { throw SystemError(cannot: "make a pipe", code: -code) }
    (descriptor, writer) = (ends[0], ends[1])
    for number in Self.numbers where kw_initially_ignored(number) == 0 || number == SIGCHLD {
      kw_signal_to_pipe(number, writer)
    }
  }

  /// What has come, in its order; empty when nothing has.
  package func take() -> [Message] {
    var messages: [Message] = []
    var buffer = [kw_signal](repeating: kw_signal(), count: 64)
    while true {
      let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return messages }
      for message in buffer.prefix(count / MemoryLayout<kw_signal>.size) {
        messages.append(
          Message(
            number: message.number,
            isFromKernel: message.code > 0,
            sender: message.sender
          )
        )
      }
    }
  }
}
