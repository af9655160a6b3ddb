import Glibc
import Testing

/// Runs Python, the third party of these tests.
enum Script {
  /// The exit status of a script, given as text.
  static func run(_ script: String, _ arguments: String...) throws -> CInt {
    let python = getenv("KEYWARD_PYTHON").map { String(cString: $0) } ?? "python3"
    var words: [UnsafeMutablePointer<CChar>?] =
      ([python, "-c", script] + arguments).map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    var pid: pid_t = 0
    let code = posix_spawnp(&pid, python, nil, nil, words, environ)
    try #require(code == 0, "python3 is needed: set KEYWARD_PYTHON")
    var status: CInt = 0
    while waitpid(pid, &status, 0) < 0 {
      guard errno == EINTR else { return -1 }
    }
    return (status & 0x7f) == 0 ? (status >> 8) & 0xff : -1
  }
}
