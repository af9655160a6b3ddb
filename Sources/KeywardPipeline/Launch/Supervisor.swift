import CKeywardShims
import Glibc
package import KeywardCrypto
package import KeywardSystem

/// Runs a command as if it had been started directly: what its caller does to us comes to it, and
/// what becomes of it comes back.
package struct Supervisor {
  /// Why a command did not run.
  package enum Failure: Error {
    case launch(LaunchError)
    case system(SystemError)
    case memory(CryptoError)
  }

  /// What masks its output; nil to leave its output alone.
  package var matcher: MaskMatcher?
  /// Whether orphans among its descendants become ours, to be reaped; as PID 1 they always do.
  package var adoptsOrphans = false

  package init(matcher: MaskMatcher? = nil, adoptsOrphans: Bool = false) {
    self.matcher = matcher
    self.adoptsOrphans = adoptsOrphans
  }

  /// Starts the program, waits for it, and gives the exit status to end with.
  package func run(_ program: consuming Program) throws(Failure) -> CInt {
    if adoptsOrphans { kw_adopt_orphans() }
    let run: SupervisedRun
    do throws(SystemError) {
      run = SupervisedRun(inbox: try SignalInbox(), wake: try Pipe())
    } catch {
      throw .system(error)
    }
    do throws(SystemError) {
      guard let matcher, !matcher.isEmpty else {
        try run.start(plainly: program)
        return run.wait()
      }
      if isatty(STDOUT_FILENO) == 1 {
        try run.start(onTerminal: program, matcher)
      } else {
        try run.start(withPipes: program, matcher)
      }
      return run.wait()
    } catch {
      run.terminal?.leave()
      if let failure = run.failure { throw failure }
      throw .system(error)
    }
  }
}

/// A pipe whose ends are closed with it.
package final class Pipe {
  private(set) var reader: CInt
  private(set) var writer: CInt

  init() throws(SystemError) {
    var ends: [CInt] = [-1, -1]
    let code = kw_blocking_pipe(&ends)
    guard code == 0 else { throw SystemError(cannot: "make a pipe", code: -code) }
    (reader, writer) = (ends[0], ends[1])
  }

  deinit {
    closeReader()
    closeWriter()
  }

  /// Gives the reader away.
  func takeReader() -> CInt {
    defer { reader = -1 }
    return reader
  }

  func closeReader() {
    if reader >= 0 { close(reader) }
    reader = -1
  }

  func closeWriter() {
    if writer >= 0 { close(writer) }
    writer = -1
  }
}

/// One command from its start to its end.
private final class SupervisedRun {
  private let inbox: SignalInbox
  /// Hangs up when the command has ended.
  private let wake: Pipe
  private var control = JobControl(.sharedGroup, isWatched: false)
  private(set) var terminal: TerminalSession?
  private(set) var failure: Supervisor.Failure?
  private var report: Pipe?
  private var leader: CInt = -1
  private var child: CInt = -1
  private var pumps: [OutputPump] = []

  init(inbox: SignalInbox, wake: Pipe) {
    self.inbox = inbox
    self.wake = wake
  }

  // MARK: start

  func start(plainly program: borrowing Program) throws(SystemError) {
    control = JobControl(.sharedGroup, isWatched: Self.isWatched)
    try launch { () throws(LaunchError) in child = try program.start() }
  }

  func start(withPipes program: consuming Program, _ matcher: MaskMatcher) throws(SystemError) {
    control = JobControl(.sharedGroup, isWatched: Self.isWatched)
    let output = try Pipe()
    // What goes to one place goes through one pipe, so that its order is kept.
    let errors = Self.isSameFile(STDOUT_FILENO, STDERR_FILENO) ? output : try Pipe()
    program.standard = (nil, output.writer, errors.writer)
    try launch { () throws(LaunchError) in child = try program.start() }
    output.closeWriter()
    errors.closeWriter()
    try pump(output.takeReader(), to: STDOUT_FILENO, matcher)
    if errors !== output { try pump(errors.takeReader(), to: STDERR_FILENO, matcher) }
  }

  func start(onTerminal program: consuming Program, _ matcher: MaskMatcher) throws(SystemError) {
    control = JobControl(.ownSession, isWatched: Self.isWatched)
    let terminal = try TerminalSession()
    let report = try Pipe()
    let errors: Pipe? = isatty(STDERR_FILENO) == 1 ? nil : try Pipe()
    program.standard = (
      isatty(STDIN_FILENO) == 1 ? terminal.slave : nil, terminal.slave,
      errors?.writer ?? terminal.slave
    )
    self.terminal = terminal
    terminal.enter()
    try launch { () throws(LaunchError) in
      leader = try program.start(onTerminal: terminal.slave, report: report.writer)
    }
    terminal.closeSlave()
    report.closeWriter()
    errors?.closeWriter()
    let name = program.arguments[0]
    self.report = report
    guard let first = nextReport(), first.type == CInt(KW_REPORT_STARTED) else {
      // The leader ends by itself after a failure.
      waitpid(leader, nil, 0)
      let code = failedCode ?? EIO
      failure = .launch(LaunchError(name: name, code: code))
      throw SystemError(cannot: "start a program", code: code)
    }
    child = first.value
    try pump(terminal.master, to: STDOUT_FILENO, isTerminal: true, matcher)
    if let errors { try pump(errors.takeReader(), to: STDERR_FILENO, matcher) }
    terminal.carryInput(wake: wake.reader)
  }

  private func launch(_ body: () throws(LaunchError) -> Void) throws(SystemError) {
    do throws(LaunchError) {
      try body()
    } catch {
      failure = .launch(error)
      throw SystemError(cannot: "start a program", code: error.code)
    }
  }

  private func pump(
    _ input: CInt,
    to output: CInt,
    isTerminal: Bool = false,
    _ matcher: MaskMatcher
  ) throws(SystemError) {
    if !isTerminal { kw_enlarge_pipe(input, 1 << 18) }
    do throws(CryptoError) {
      pumps.append(
        try OutputPump(
          from: input,
          to: output,
          wake: wake.reader,
          isTerminal: isTerminal,
          matcher
        )
      )
    } catch {
      failure = .memory(error)
      throw SystemError(.failed, "there is no locked memory left")
    }
  }

  // MARK: until its end

  func wait() -> CInt {
    let status = eventLoop()
    wake.closeWriter()
    for pump in pumps { pump.finish() }
    terminal?.leave()
    return status
  }

  private func eventLoop() -> CInt {
    while true {
      var polled = [
        pollfd(fd: inbox.descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: report?.reader ?? -1, events: Int16(POLLIN), revents: 0),
      ]
      if poll(&polled, 2, -1) < 0, errno != EINTR { return 1 }
      if polled[1].revents != 0 {
        guard let next = nextReport() else {
          // The leader was killed, and the command with it.
          return 128 + SIGKILL
        }
        if next.type == CInt(KW_REPORT_STATUS),
          let status = perform(control.reported(WaitStatus(next.value)))
        {
          return status
        }
      }
      for message in inbox.take() {
        if message.number == SIGCHLD, let status = reap() { return status }
        // Our own: SIGPIPE of a write.
        if message.number == SIGCHLD && message.isFromKernel || message.sender == getpid() {
          continue
        }
        let actions = control.received(message.number, isFromKernel: message.isFromKernel)
        if let status = perform(actions) { return status }
      }
    }
  }

  /// Takes the status of every child that has one: orphans that became ours among them.
  private func reap() -> CInt? {
    while true {
      var status: CInt = 0
      let pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED)
      if pid < 0, errno == EINTR { continue }
      guard pid > 0 else { return nil }
      if pid == child, report == nil,
        let end = perform(control.reported(WaitStatus(status)))
      {
        return end
      }
    }
  }

  /// Does what is to be done; the exit status when the command has ended.
  private func perform(_ actions: [JobControl.Action]) -> CInt? {
    for action in actions {
      switch action {
      case .end(let status): return status
      case .send(let signal):
        if signal == SIGCONT { terminal?.enter() }
        if signal == SIGCONT { terminal?.sendToForeground(SIGCONT) }
        kill(child, signal)
      case .sendToForeground(let signal): terminal?.sendToForeground(signal)
      case .resize: terminal?.resize()
      case .stop(let signal):
        terminal?.leave()
        kw_stop_self(signal, terminal == nil ? 0 : 1)
      }
    }
    return nil
  }

  private var failedCode: CInt?

  private func nextReport() -> kw_report? {
    guard let report else { return nil }
    var message = kw_report()
    while true {
      let count = withUnsafeMutableBytes(of: &message) {
        read(report.reader, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count == MemoryLayout<kw_report>.size else { return nil }
      if message.type == CInt(KW_REPORT_FAILED) { failedCode = message.value }
      return message
    }
  }

  // MARK: where we are

  /// Whether a shell watches over us on a terminal, so that stopping means something.
  private static var isWatched: Bool {
    let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard terminal >= 0 else { return false }
    close(terminal)
    return getsid(0) != getpid() && getsid(getppid()) == getsid(0)
  }

  private static func isSameFile(_ one: CInt, _ other: CInt) -> Bool {
    var (first, second) = (stat(), stat())
    guard fstat(one, &first) == 0, fstat(other, &second) == 0 else { return false }
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino
      && first.st_rdev == second.st_rdev
  }
}
