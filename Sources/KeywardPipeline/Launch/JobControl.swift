import Glibc

/// What a supervisor does about signals and about what becomes of its command.
///
/// Without I/O: events come in, actions go out.
package struct JobControl: Sendable {
  package enum Action: Equatable, Sendable {
    /// Send a signal to the command.
    case send(CInt)
    /// Send a signal to whatever is in the foreground of the command's terminal.
    case sendToForeground(CInt)
    /// Stop, as the command did, until somebody says SIGCONT.
    case stop(CInt)
    /// Give the command's terminal the size of the outer one.
    case resize
    /// The command has ended with this exit status.
    case end(CInt)
  }

  package enum Arrangement: Sendable {
    /// The command is in the supervisor's process group: what a terminal, or a signal to the group,
    /// sends comes to both.
    case sharedGroup
    /// The command has a session and a terminal of its own.
    case ownSession
  }

  package let arrangement: Arrangement
  /// Whether somebody watches who continues what has stopped: a shell at a terminal.
  package let isWatched: Bool
  private(set) var isStopped = false
  private var hasPassedStop = false

  package init(_ arrangement: Arrangement, isWatched: Bool) {
    self.arrangement = arrangement
    self.isWatched = isWatched
  }

  /// A signal came to the supervisor; `isFromKernel` tells those of a terminal from those that a
  /// process sent.
  package mutating func received(_ signal: CInt, isFromKernel: Bool) -> [Action] {
    switch (signal, arrangement) {
    case (SIGWINCH, .ownSession): return [.resize]
    case (SIGCONT, .ownSession): return [.resize, .send(SIGCONT)]
    case (SIGCONT, .sharedGroup): return isStopped || !isFromKernel ? [.send(SIGCONT)] : []
    case (_, .sharedGroup) where isFromKernel: return []
    case (SIGINT, .ownSession) where isFromKernel, (SIGQUIT, .ownSession) where isFromKernel,
      (SIGTSTP, .ownSession) where isFromKernel:
      return [.sendToForeground(signal)]
    case (SIGTSTP, _), (SIGTTIN, _), (SIGTTOU, _):
      hasPassedStop = true
      return [.send(signal)]
    default: return [.send(signal)]
    }
  }

  /// The wait status of the command.
  package mutating func reported(_ status: WaitStatus) -> [Action] {
    switch status {
    case .exited(let code): return [.end(code)]
    case .killed(let signal): return [.end(128 + signal)]
    case .continued:
      isStopped = false
      return []
    case .stopped(let signal):
      isStopped = true
      // On its own terminal nobody but us could continue it; without a shell, nobody at all.
      if arrangement == .ownSession, !isWatched, !hasPassedStop, signal != SIGSTOP {
        return [.send(SIGCONT)]
      }
      // Who stops the command alone, past us, will continue it alone: nobody would continue us.
      guard isWatched || hasPassedStop else { return [] }
      hasPassedStop = false
      return [.stop(signal)]
    }
  }
}

/// A status of `waitpid`, read.
package enum WaitStatus: Equatable, Sendable {
  case exited(CInt)
  case killed(CInt)
  case stopped(CInt)
  case continued

  package init(_ status: CInt) {
    if status == 0xffff {
      self = .continued
    } else if status & 0xff == 0x7f {
      self = .stopped(status >> 8 & 0xff)
    } else if status & 0x7f != 0 {
      self = .killed(status & 0x7f)
    } else {
      self = .exited(status >> 8 & 0xff)
    }
  }
}
