import Glibc
package import KeywardCrypto

/// Reads secrets from files and descriptors straight into the locked arena.
package enum SecretFile {
  /// Reads a whole file of at most `limit` bytes that nobody else may read.
  ///
  /// Fails with `tooPermissive` and a `chmod 600` to run, `occupied` for a symbolic link, unless they
  /// are followed, or another owner's file, or `tooLarge`. Links are how certificate managers and
  /// Kubernetes replace a pair of files.
  package static func read(
    _ path: String,
    limit: Int,
    followingLinks: Bool = false
  ) throws(SystemError) -> SecretBytes {
    // O_NONBLOCK: opening a FIFO that sits in the place must not hang the start.
    let flags = O_RDONLY | O_NONBLOCK | (followingLinks ? 0 : O_NOFOLLOW)
    let file = try FileDescriptor.open(path, flags)
    let status = try file.status(of: path)
    guard status.isRegularFile else {
      throw SystemError(.occupied, "\(path) is not a plain file")
    }
    guard status.st_uid == geteuid() || status.st_uid == 0 else {
      throw SystemError(
        .occupied,
        "\(path) belongs to user \(status.st_uid); it must be yours or root's"
      )
    }
    guard status.permissions & 0o077 == 0 else {
      throw SystemError(.tooPermissive, "other users may read \(path); run: chmod 600 \(path)")
    }
    return try readAll(file, name: path, expecting: Int(status.st_size), limit: limit)
  }

  /// Reads a descriptor, such as standard input or a pipe of a shell, to its end.
  ///
  /// `name` is what a failure calls it: the path of a file that was opened.
  package static func read(
    descriptor: CInt,
    name: String? = nil,
    limit: Int
  ) throws(SystemError) -> SecretBytes {
    let name =
      name ?? (descriptor == STDIN_FILENO ? "standard input" : "descriptor \(descriptor)")
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw SystemError(cannot: "use \(name)", code: errno) }
    return try readAll(FileDescriptor(owning: copy), name: name, expecting: 4095, limit: limit)
  }

  private static func readAll(
    _ file: consuming FileDescriptor,
    name: String,
    expecting: Int,
    limit: Int
  ) throws(SystemError) -> SecretBytes {
    let tooLarge = SystemError(.tooLarge, "\(name) has more than \(limit) bytes")
    guard expecting <= limit || expecting == 4095 else { throw tooLarge }
    // One byte more than expected, to see the end of the file without growing.
    var buffer = try allocate(min(expecting, limit) + 1)
    var count = 0
    while true {
      if count == buffer.count {
        guard count <= limit else { throw tooLarge }
        buffer = try grown(buffer, to: min(count * 2, limit + 1))
      }
      let start = count
      let more = try buffer.withUnsafeMutableBytes { (bytes) throws(SystemError) in
        try file.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[start...]), from: name)
      }
      if more == 0 { break }
      count += more
    }
    guard count <= limit else { throw tooLarge }
    do throws(CryptoError) {
      return try SecretBytes(copying: buffer, range: 0..<count)
    } catch {
      throw outOfMemory
    }
  }

  private static func allocate(_ count: Int) throws(SystemError) -> SecretBytes {
    do throws(CryptoError) {
      return try SecretBytes(count: count)
    } catch {
      throw outOfMemory
    }
  }

  private static func grown(
    _ old: borrowing SecretBytes,
    to count: Int
  ) throws(SystemError)
    -> SecretBytes
  {
    var new = try allocate(count)
    new.withUnsafeMutableBytes { target in
      old.withUnsafeBytes { source in target.copyMemory(from: source) }
    }
    return new
  }

  private static var outOfMemory: SystemError {
    SystemError(.failed, "no locked memory left for a secret; raise RLIMIT_MEMLOCK")
  }
}
