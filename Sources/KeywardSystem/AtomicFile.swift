package import Glibc

/// Whole-file writes that are there entirely or not at all, also after a power cut.
package enum AtomicFile {
  /// Writes to a temporary file beside the path, makes it durable, and renames it into place.
  ///
  /// The file has the bits of `mode`, whatever the umask. Without `replacing`, an existing file is
  /// an error (`inUse`) and stays as it is.
  package static func write(
    _ bytes: UnsafeRawBufferPointer,
    to path: String,
    mode: mode_t = 0o600,
    replacing: Bool = true
  ) throws(SystemError) {
    let parent = parentDirectory(of: path)
    let directory = try FileDescriptor.open(parent, O_RDONLY | O_DIRECTORY)
    let temporary = "\(path).\(getpid()).\(UInt32.random(in: .min ... .max)).tmp"
    let file = try FileDescriptor.open(
      temporary,
      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
      mode: mode
    )
    do throws(SystemError) {
      guard fchmod(file.rawValue, mode) == 0 else {
        throw SystemError(cannot: "set the mode of \(path)", code: errno)
      }
      try file.write(bytes, to: path)
      try file.synchronize(path)
      try move(temporary, to: path, replacing: replacing)
    } catch {
      unlink(temporary)
      throw error
    }
    try directory.synchronize(parent)
  }

  /// Writes public bytes; see the form with a buffer.
  package static func write(
    _ bytes: [UInt8],
    to path: String,
    mode: mode_t = 0o600,
    replacing: Bool = true
  ) throws(SystemError) {
    let result = bytes.withUnsafeBytes { buffer in
      Result { () throws(SystemError) in
        try write(buffer, to: path, mode: mode, replacing: replacing)
      }
    }
    try result.get()
  }

  private static func move(
    _ temporary: String,
    to path: String,
    replacing: Bool
  ) throws(SystemError) {
    if replacing {
      guard rename(temporary, path) == 0 else {
        throw SystemError(cannot: "replace \(path)", code: errno)
      }
      return
    }
    // link() fails when the name is taken, which rename() would not tell.
    guard link(temporary, path) == 0 else {
      let code = errno
      if code == EEXIST {
        throw SystemError(.inUse, "\(path) exists already; move it away first", code: code)
      }
      throw SystemError(cannot: "create \(path)", code: code)
    }
    unlink(temporary)
  }
}
