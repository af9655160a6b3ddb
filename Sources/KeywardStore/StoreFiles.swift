import Glibc

/// The folder of a store: its checks, the names in it, and the calls that make changes durable.
///
/// The folder is 0700 and every file 0600, whatever the umask; what others may touch is refused.
struct StoreFiles {
  /// The folder, without symbolic links.
  let directory: String

  var database: String { directory + "/keyward.db" }
  var log: String { database + "-wal" }
  var defaultAnchor: String { directory + "/anchor" }
  /// There while something that was removed may still be in the database's file.
  var scrubMark: String { directory + "/scrub-owed" }

  /// Checks the folder, and makes it when it is missing and its parent exists.
  init(directory: String, creating: Bool) throws(StoreError) {
    guard !directory.isEmpty, !directory.utf8.contains(0) else {
      throw .insecureFile(
        path: directory,
        problem: "is no folder name",
        remedy: "name a data folder"
      )
    }
    var trimmed = directory
    while trimmed.utf8.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
    if creating, mkdir(trimmed, 0o700) == 0 {
      // mkdir is subject to the umask, which can only take bits away.
      guard chmod(trimmed, 0o700) == 0 else { throw .readOnly(path: trimmed) }
      try StoreFiles.syncDirectory(StoreFiles.parent(of: trimmed))
    } else if creating, errno != EEXIST {
      throw StoreFiles.failure("mkdir", trimmed)
    }
    guard let resolved = realpath(trimmed, nil) else {
      throw .insecureFile(
        path: trimmed,
        problem: "cannot be opened",
        remedy: "make the folder, or name another"
      )
    }
    self.directory = String(cString: resolved)
    free(resolved)
    var status = stat()
    guard stat(self.directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw .insecureFile(
        path: self.directory,
        problem: "is not a folder",
        remedy: "name a folder"
      )
    }
    try StoreFiles.checkOwner(status, self.directory, mode: "700")
  }

  /// Makes a file 0600 if there is none; else checks that it is a plain file of this user alone.
  ///
  /// Returns whether the file was made.
  @discardableResult
  static func prepare(_ path: String, creating: Bool = true) throws(StoreError) -> Bool {
    if creating {
      let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
      if descriptor >= 0 {
        defer { close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else { throw failure("fchmod", path) }
        return true
      }
      guard errno == EEXIST else { throw failure("open", path) }
    }
    var status = stat()
    guard lstat(path, &status) == 0 else { throw failure("stat", path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .insecureFile(
        path: path,
        problem: "is not a plain file",
        remedy: "move it away"
      )
    }
    try checkOwner(status, path, mode: "600")
    return false
  }

  private static func checkOwner(_ status: stat, _ path: String, mode: String) throws(StoreError) {
    guard status.st_uid == geteuid() else {
      throw .insecureFile(
        path: path,
        problem: "belongs to user \(status.st_uid)",
        remedy: "run the server as that user, or chown \(path)"
      )
    }
    guard status.st_mode & 0o077 == 0 else {
      throw .insecureFile(
        path: path,
        problem: "is open to other users",
        remedy: "chmod \(mode) \(path)"
      )
    }
  }

  /// Makes names in a folder durable: new, renamed and removed files.
  static func syncDirectory(_ path: String) throws(StoreError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { close(descriptor) }
    // Some file systems cannot sync a folder and say EINVAL; their names are durable at once.
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      throw .ioError("fsync of \(path), errno \(errno)")
    }
  }

  /// Makes bytes durable behind the first so many of a file, which is made if it is missing; not its name.
  ///
  /// What else it has, as of a write that was cut short, goes.
  static func append(_ bytes: [UInt8], to path: String, at length: Int) throws(StoreError) {
    try prepare(path)
    let descriptor = open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { close(descriptor) }
    guard ftruncate(descriptor, length) == 0 else { throw failure("ftruncate", path) }
    var start = 0
    while start < bytes.count {
      let count = bytes[start...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure("write", path) }
      start += count
    }
    guard fdatasync(descriptor) == 0 else { throw .ioError("fdatasync of \(path), errno \(errno)") }
  }

  /// The first bytes of a file, at most so many; none if there is no file.
  static func read(_ path: String, limit: Int) throws(StoreError) -> [UInt8] {
    guard exists(path) else { return [] }
    try prepare(path, creating: false)
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", path) }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: limit)
    var length = 0
    while length < limit {
      let count = bytes[length...].withUnsafeMutableBytes {
        Glibc.read(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("read", path) }
      guard count > 0 else { break }
      length += count
    }
    return Array(bytes[..<length])
  }

  static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The names in a folder, without `.` and `..`.
  static func names(in path: String) -> [String] {
    guard let handle = opendir(path) else { return [] }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
        field.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  /// The error for a call on a path that failed with the present errno.
  static func failure(_ call: String, _ path: String) -> StoreError {
    switch errno {
    case ENOSPC, EDQUOT, EFBIG: .full
    case EROFS, EACCES, EPERM: .readOnly(path: path)
    case ENOENT, ENOTDIR:
      .insecureFile(
        path: path,
        problem: "cannot be opened: its folder is missing",
        remedy: "make the folder"
      )
    case ELOOP:
      .insecureFile(path: path, problem: "is a symbolic link", remedy: "name the file itself")
    // Not the disk's doing: the process may go on.
    case EMFILE, ENFILE, ENOMEM: .limit("open files, for \(path)")
    case let code: .ioError("\(call) of \(path), errno \(code)")
    }
  }
}
