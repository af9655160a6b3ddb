import CKeywardShims
import Dispatch
import Glibc
import KeywardSystem
import Synchronization

/// A terminal for a command whose output is masked, between it and the terminal that we are on.
///
/// The outer one passes bytes as they are while we are in its foreground, so that editing, echo and
/// the keys that send signals are those of the inner one.
final class TerminalSession: @unchecked Sendable {
  // Unchecked: `modes` and `isRaw` are used by the supervisor's thread; the rest is constant or atomic.

  let master: CInt
  private(set) var slave: CInt
  /// The outer terminal, if our input is that.
  private let outerInput: CInt?
  private let outer: CInt
  private let modes: UnsafeMutableRawPointer
  private var isRaw = false
  private let mayRead = Atomic<Bool>(false)

  /// Makes a terminal like that of our standard output.
  init() throws(SystemError) {
    var master: CInt = -1
    var slave: CInt = -1
    let code = kw_open_terminal(&master, &slave)
    guard code == 0 else { throw SystemError(cannot: "make a pseudoterminal", code: -code) }
    (self.master, self.slave) = (master, slave)
    outer = STDOUT_FILENO
    outerInput = isatty(STDIN_FILENO) == 1 ? STDIN_FILENO : nil
    modes = .allocate(byteCount: kw_terminal_modes_size(), alignment: 16)
    kw_copy_terminal_modes(outer, slave)
    kw_copy_terminal_size(outer, slave)
    // Without its input the outer terminal stays as it is, and makes line ends itself.
    if outerInput == nil { kw_leave_output_alone(slave) }
  }

  deinit {
    close(master)
    closeSlave()
    modes.deallocate()
  }

  /// The slave is the command's: while we hold it, its end could not be seen.
  func closeSlave() {
    guard slave >= 0 else { return }
    close(slave)
    slave = -1
  }

  func resize() { kw_copy_terminal_size(outer, master) }

  /// Takes the outer terminal, if we are in its foreground.
  func enter() {
    guard let outerInput, !isRaw, kw_in_foreground(outerInput) == 1 else { return }
    isRaw = kw_make_terminal_raw(outerInput, modes) == 0
    mayRead.store(isRaw, ordering: .releasing)
  }

  /// Gives the outer terminal back as it was.
  func leave() {
    guard let outerInput, isRaw else { return }
    mayRead.store(false, ordering: .releasing)
    kw_restore_terminal(outerInput, modes)
    isRaw = false
  }

  func sendToForeground(_ signal: CInt) {
    let group = kw_foreground_group(master)
    if group > 0 { kill(-group, signal) }
  }

  /// Carries what is typed, until the command has ended.
  func carryInput(wake: CInt) {
    guard let outerInput else { return }
    DispatchQueue(label: "keyward.input").async { [self] in
      var buffer = [UInt8](repeating: 0, count: 4096)
      defer { for index in buffer.indices { buffer[index] = 0 } }
      while true {
        let reads = mayRead.load(ordering: .acquiring)
        var polled = [
          pollfd(fd: reads ? outerInput : -1, events: Int16(POLLIN), revents: 0),
          pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
        ]
        if poll(&polled, 2, 100) < 0, errno != EINTR { return }
        if polled[1].revents != 0 { return }
        guard polled[0].revents != 0, mayRead.load(ordering: .acquiring) else { continue }
        let count = buffer.withUnsafeMutableBytes { read(outerInput, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR || errno == EAGAIN { continue }
        guard count > 0 else { return }
        var rest = buffer[..<count]
        while !rest.isEmpty {
          let written = rest.withUnsafeBytes { write(master, $0.baseAddress, $0.count) }
          if written < 0, errno == EINTR { continue }
          guard written > 0 else { return }
          rest = rest.dropFirst(written)
        }
      }
    }
  }
}
