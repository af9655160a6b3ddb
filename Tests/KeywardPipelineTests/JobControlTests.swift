import Glibc
import KeywardPipeline
import Testing

@Suite("Job control")
struct JobControlTests {
  @Test(
    "wait statuses",
    arguments: [
      (0x0000, WaitStatus.exited(0)), (0x2a00, .exited(42)), (0xff00, .exited(255)),
      (0x0009, .killed(9)), (0x008b, .killed(11)), (0x137f, .stopped(19)), (0xffff, .continued),
    ] as [(CInt, WaitStatus)]
  )
  func statuses(_ raw: CInt, _ expected: WaitStatus) {
    #expect(WaitStatus(raw) == expected)
  }

  @Test("the end is the command's: its code, or 128 and the signal")
  func ends() {
    var control = JobControl(.sharedGroup, isWatched: false)
    for code in 0...255 as ClosedRange<CInt> {
      #expect(control.reported(.exited(code)) == [.end(code)])
    }
    for signal in 1...64 as ClosedRange<CInt> {
      #expect(control.reported(.killed(signal)) == [.end(128 + signal)])
    }
  }

  @Test("in one group, what a process sends is passed on, and what a terminal sends has come")
  func sharedGroup() {
    var control = JobControl(.sharedGroup, isWatched: true)
    for signal in SignalInbox.numbers where signal != SIGCHLD {
      #expect(control.received(signal, isFromKernel: false) == [.send(signal)], "\(signal)")
      #expect(control.received(signal, isFromKernel: true) == [], "\(signal)")
    }
  }

  @Test("with a terminal of its own, everything is passed on")
  func ownSession() {
    var control = JobControl(.ownSession, isWatched: true)
    #expect(control.received(SIGWINCH, isFromKernel: true) == [.resize])
    #expect(control.received(SIGCONT, isFromKernel: false) == [.resize, .send(SIGCONT)])
    for signal in [SIGINT, SIGQUIT, SIGTSTP] {
      #expect(control.received(signal, isFromKernel: true) == [.sendToForeground(signal)])
      #expect(control.received(signal, isFromKernel: false) == [.send(signal)])
    }
    #expect(control.received(SIGHUP, isFromKernel: true) == [.send(SIGHUP)])
  }

  @Test("who is watched stops with the command, and goes on with it")
  func stops() {
    var watched = JobControl(.sharedGroup, isWatched: true)
    #expect(watched.reported(.stopped(SIGTSTP)) == [.stop(SIGTSTP)])
    #expect(watched.received(SIGCONT, isFromKernel: true) == [.send(SIGCONT)])
    #expect(watched.reported(.continued) == [])
    #expect(watched.received(SIGCONT, isFromKernel: true) == [])
  }

  @Test("nobody would continue who is not watched, unless it was told to stop")
  func unwatched() {
    var alone = JobControl(.sharedGroup, isWatched: false)
    #expect(alone.reported(.stopped(SIGSTOP)) == [])
    #expect(alone.received(SIGTSTP, isFromKernel: false) == [.send(SIGTSTP)])
    #expect(alone.reported(.stopped(SIGTSTP)) == [.stop(SIGTSTP)])
    #expect(alone.reported(.stopped(SIGTSTP)) == [])
    var container = JobControl(.ownSession, isWatched: false)
    #expect(container.reported(.stopped(SIGTSTP)) == [.send(SIGCONT)])
    #expect(container.reported(.stopped(SIGSTOP)) == [])
  }
}
