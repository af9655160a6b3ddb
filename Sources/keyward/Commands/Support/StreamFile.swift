import Glibc
import KeywardSystem

/// A file that a long answer is written to: under another name until it is whole.
enum StreamFile {
  /// Runs `body` with a descriptor and puts the file in place when it returns.
  static func write(to path: String, _ body: (CInt) throws -> Void) throws {
    if path == "-" { return try body(STDOUT_FILENO) }
    let temporary = "\(path).\(getpid()).partial"
    let file = try FileDescriptor.open(
      temporary,
      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
      mode: 0o600
    )
    do {
      try body(file.rawValue)
      try file.synchronize(path)
      guard rename(temporary, path) == 0 else {
        throw SystemError(cannot: "replace \(path)", code: errno)
      }
    } catch {
      unlink(temporary)
      throw error
    }
  }
}
