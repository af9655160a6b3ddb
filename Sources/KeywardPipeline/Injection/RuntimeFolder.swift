import CKeywardShims
import Dispatch
import Glibc
package import KeywardCrypto
package import KeywardSystem

/// A folder of mode 0700 on a file system in memory, which goes when this process goes.
///
/// A guardian process removes it however this one ends, and the next run removes what is left if the
/// guardian was killed too. Both know whom it belongs to by a lock, which ends with its holders.
package final class RuntimeFolder {
  package let path: String
  private let lock: CInt
  private var guardian: CInt
  private static let prefix = "keyward-run-"

  /// Makes a folder in `base`, else in `$XDG_RUNTIME_DIR`, else in `/dev/shm`.
  ///
  /// - Throws: `SystemError` when none of them is in memory: a secret never goes to a disk.
  package init(in base: String?, runtimeDirectory: String?) throws(SystemError) {
    let base = try Self.chooseBase(base, runtimeDirectory)
    Self.sweep(base)
    while true {
      var random = [UInt8](repeating: 0, count: 8)
      getentropy(&random, random.count)
      let name = random.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      let path = "\(base)/\(Self.prefix)\(name)"
      var guardian: CInt = -1
      // Before the folder, so that at no moment nobody would remove it.
      var keeper: CInt = -1
      let code = kw_start_guardian(path, &guardian, &keeper)
      guard code == 0 else {
        throw SystemError(cannot: "start the guardian of \(path)", code: -code)
      }
      defer { close(keeper) }
      let lock: CInt?
      do throws(SystemError) {
        lock = try Self.make(path, in: base, keeper)
      } catch {
        Self.end(guardian)
        throw error
      }
      guard let lock else {
        Self.end(guardian)
        continue
      }
      (self.path, self.lock, self.guardian) = (path, lock, guardian)
      return
    }
  }

  /// Makes the folder and locks it; nil if a sweep of another run was quicker, which then removes it.
  ///
  /// The guardian holds the lock too: when this process becomes the command, it alone does.
  private static func make(
    _ path: String,
    in base: String,
    _ keeper: CInt
  ) throws(SystemError) -> CInt? {
    guard mkdir(path, 0o700) == 0 else {
      throw SystemError(cannot: "make a folder in \(base)", code: errno)
    }
    var isKept = false
    // No guardian would: that of a folder which is not locked is ended.
    defer { if !isKept { rmdir(path) } }
    let descriptor = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    guard kw_lock_exclusive(descriptor.rawValue) == 0, access(path, F_OK) == 0 else { return nil }
    let code = kw_give_to_guardian(keeper, descriptor.rawValue)
    guard code == 0 else {
      throw SystemError(cannot: "give \(path) to its guardian", code: -code)
    }
    isKept = true
    return descriptor.release()
  }

  private static func end(_ guardian: CInt) {
    kill(guardian, SIGKILL)
    while waitpid(guardian, nil, 0) < 0, errno == EINTR {}
  }

  /// Writes a file that its owner may read, and keeps it from being swapped out while we live.
  package func addFile(
    _ name: String,
    _ value: borrowing SecretBytes
  ) throws(SystemError) -> String {
    let file = "\(path)/\(name)"
    let descriptor = try FileDescriptor.open(
      file,
      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
      mode: 0o600
    )
    try value.withUnsafeBytes { bytes throws(SystemError) in try descriptor.write(bytes, to: file) }
    kw_lock_contents(descriptor.rawValue, value.count)
    return file
  }

  /// Makes a named pipe that gives the value to `reads` readers, one after the other.
  package func addPipe(
    _ name: String,
    _ value: SecretBox,
    reads: Int
  ) throws(SystemError) -> String {
    let file = "\(path)/\(name)"
    guard mkfifo(file, 0o600) == 0 else {
      throw SystemError(cannot: "make the pipe \(file)", code: errno)
    }
    DispatchQueue(label: "keyward.fifo").async {
      for read in 1...max(reads, 1) { Self.serve(file, value, isLast: read == reads) }
    }
    return file
  }

  /// Removes the folder and all in it.
  package func remove() {
    guard guardian >= 0 else { return }
    Self.empty(path)
    Self.end(guardian)
    guardian = -1
    close(lock)
  }

  deinit { remove() }

  /// Waits for a reader and gives it the value.
  private static func serve(_ file: String, _ value: SecretBox, isLast: Bool) {
    let descriptor = open(file, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    // Whoever opens it from now on shall get a pipe of their own, or none: two readers of one pipe
    // would share the bytes.
    if isLast {
      unlink(file)
    } else {
      let next = file + ".next"
      if mkfifo(next, 0o600) == 0 { rename(next, file) }
    }
    value.bytes.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let part = UnsafeRawBufferPointer(rebasing: rest)
        let count = write(descriptor, part.baseAddress, part.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
      }
    }
  }

  private static func chooseBase(
    _ base: String?,
    _ runtimeDirectory: String?
  ) throws(SystemError) -> String {
    if let base {
      guard isInMemory(base) else {
        throw SystemError(.invalid, "\(base) is not a folder on a file system in memory (tmpfs)")
      }
      return base
    }
    for candidate in [runtimeDirectory, "/dev/shm"] {
      if let candidate, candidate.hasPrefix("/"), isInMemory(candidate),
        access(candidate, W_OK | X_OK) == 0
      {
        return candidate
      }
    }
    throw SystemError(
      .notFound,
      "there is no file system in memory for secrets; mount a tmpfs and name it with --tmpfs-dir"
    )
  }

  private static func isInMemory(_ folder: String) -> Bool {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return kw_is_in_memory(descriptor) == 1
  }

  /// Removes folders of runs that have ended without their guardians.
  private static func sweep(_ base: String) {
    for name in names(in: base) where name.hasPrefix(prefix) {
      let path = "\(base)/\(name)"
      let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      defer { close(descriptor) }
      var status = stat()
      guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(),
        kw_lock_exclusive(descriptor) == 0
      else { continue }
      empty(path)
    }
  }

  private static func empty(_ path: String) {
    for name in names(in: path) { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  private static func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
