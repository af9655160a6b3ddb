import Glibc

/// A folder that only its owner may enter.
package enum PrivateDirectory {
  /// Creates the folder with mode 0700 where it is missing, and checks it where it is not.
  ///
  /// - Throws: `tooPermissive` with a `chmod 700` to run, `occupied` for another owner's folder or
  ///   something that is no folder.
  package static func prepare(_ path: String) throws(SystemError) {
    if mkdir(path, 0o700) == 0 {
      try FileDescriptor.open(parentDirectory(of: path), O_RDONLY | O_DIRECTORY)
        .synchronize(parentDirectory(of: path))
      return
    }
    let code = errno
    guard code == EEXIST else { throw SystemError(cannot: "create \(path)", code: code) }
    guard let status = try stat.ofLink(at: path), status.isDirectory else {
      throw SystemError(.occupied, "\(path) is not a folder; move it away or choose another")
    }
    guard status.st_uid == geteuid() else {
      throw SystemError(.occupied, "\(path) belongs to user \(status.st_uid)")
    }
    guard status.permissions & 0o077 == 0 else {
      throw SystemError(
        .tooPermissive,
        "other users may enter \(path); run: chmod 700 \(path)"
      )
    }
  }
}
