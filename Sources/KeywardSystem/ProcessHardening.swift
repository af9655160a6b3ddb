import CKeywardShims
import Glibc

/// What the process gives up before it holds a key.
package enum ProcessHardening {
  /// Forbids dumps, core files and privilege gains, closes the umask, ignores broken pipes.
  ///
  /// A process that starts commands of its user must not hand on what no process can take back:
  /// `forLaunching` leaves privileges and limits as they are. No core is written of a process that
  /// forbids dumps.
  ///
  /// - Throws: `SystemError` when the kernel refuses one of them; the server must not start then.
  package static func apply(forLaunching: Bool = false) throws(SystemError) {
    try check(kw_set_undumpable(), "forbid dumps of this process")
    if !forLaunching {
      try check(kw_disable_core_files(), "forbid core files")
      try check(kw_set_no_new_privileges(), "give up gaining privileges")
    }
    umask(0o077)
    // A peer that hangs up must be an error of that write, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
  }

  /// What holds now, for status output and tests.
  package static var report: Report {
    var cores = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &cores)
    return Report(
      isDumpable: kw_is_dumpable() == 1,
      coreFileLimit: UInt64(cores.rlim_cur),
      hasNoNewPrivileges: kw_has_no_new_privileges() == 1
    )
  }

  /// The hardening that is in force.
  package struct Report: Sendable, Equatable {
    package let isDumpable: Bool
    /// Bytes.
    package let coreFileLimit: UInt64
    package let hasNoNewPrivileges: Bool
  }

  private static func check(_ code: CInt, _ action: String) throws(SystemError) {
    guard code == 0 else { throw SystemError(cannot: action, code: -code) }
  }
}
