import CKeywardShims
import Glibc

/// Sole use of a folder by one process, for as long as the value lives.
///
/// An advisory lock (flock) on the folder itself: it leaves no file behind and ends with the
/// process, however that ends.
package struct DirectoryLock: ~Copyable, Sendable {
  private let directory: FileDescriptor

  /// Locks an existing folder without waiting.
  ///
  /// - Throws: `SystemError.Kind.inUse` when another process holds it.
  package init(_ path: String) throws(SystemError) {
    let directory = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    let code = -kw_lock_exclusive(directory.rawValue)
    if code == EWOULDBLOCK {
      throw SystemError(
        .inUse,
        "another keyward uses the folder \(path); stop it or give another data folder",
        code: code
      )
    }
    guard code == 0 else { throw SystemError(cannot: "lock \(path)", code: code) }
    self.directory = directory
  }
}
