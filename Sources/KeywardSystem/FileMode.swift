package import Glibc

/// Questions about `st_mode`; the `S_IS…` macros do not reach Swift.
extension stat {
  package var isRegularFile: Bool { st_mode & S_IFMT == S_IFREG }
  package var isDirectory: Bool { st_mode & S_IFMT == S_IFDIR }
  package var isSymbolicLink: Bool { st_mode & S_IFMT == S_IFLNK }
  package var isSocket: Bool { st_mode & S_IFMT == S_IFSOCK }
  /// The nine permission bits and the three above them.
  package var permissions: mode_t { st_mode & 0o7777 }

  /// What `lstat` says, or nil when nothing is there.
  package static func ofLink(at path: String) throws(SystemError) -> stat? {
    var status = stat()
    if lstat(path, &status) == 0 { return status }
    let code = errno
    if code == ENOENT { return nil }
    throw SystemError(cannot: "inspect \(path)", code: code)
  }
}

/// Which file it is, whatever its name: device and inode.
package struct FileIdentity: Sendable, Equatable {
  private let device: dev_t
  private let inode: ino_t

  package init(_ status: stat) {
    device = status.st_dev
    inode = status.st_ino
  }
}

/// The folder that holds a path; `.` for a bare name.
package func parentDirectory(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}
