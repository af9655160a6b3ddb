import Glibc
import KeywardSystem
import Testing

@Suite
struct ProcessTests {
  @Test
  func hardeningHoldsForTheProcess() async {
    await #expect(processExitsWith: .exitCode(42)) {
      try ProcessHardening.apply()
      let report = ProcessHardening.report
      guard !report.isDumpable, report.coreFileLimit == 0, report.hasNoNewPrivileges else {
        exit(1)
      }
      guard umask(0) == 0o077 else { exit(2) }
      // A broken pipe is an error of the write, not the end of the process.
      var ends: [CInt] = [-1, -1]
      pipe(&ends)
      close(ends[0])
      guard write(ends[1], [1], 1) == -1, errno == EPIPE else { exit(3) }
      exit(42)
    }
  }

  @Test
  func signalsBecomeValues() async {
    await #expect(processExitsWith: .exitCode(42)) {
      let signals = SignalSource.stream([.hangUp, .terminate])
      kill(getpid(), SIGHUP)
      for await signal in signals {
        if signal == .hangUp { kill(getpid(), SIGTERM) }
        if signal == .terminate { exit(42) }
      }
      exit(1)
    }
  }
}
