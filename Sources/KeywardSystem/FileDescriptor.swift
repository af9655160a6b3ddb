package import Glibc

/// An open descriptor that closes itself.
package struct FileDescriptor: ~Copyable, Sendable {
  package let rawValue: CInt

  /// Takes ownership of an open descriptor.
  package init(owning rawValue: CInt) {
    self.rawValue = rawValue
  }

  deinit {
    close(rawValue)
  }

  /// Gives the descriptor away: the caller closes it from now on.
  package consuming func release() -> CInt {
    let descriptor = rawValue
    discard self
    return descriptor
  }

  /// Opens a path; `O_CLOEXEC` is always added.
  ///
  /// - Throws: `SystemError` that names the path.
  package static func open(
    _ path: String,
    _ flags: CInt,
    mode: mode_t = 0o600
  ) throws(SystemError) -> FileDescriptor {
    guard !path.utf8.contains(0) else {
      throw SystemError(.invalid, "a file name holds a NUL byte")
    }
    while true {
      let descriptor = Glibc.open(path, flags | O_CLOEXEC, mode)
      if descriptor >= 0 { return FileDescriptor(owning: descriptor) }
      let code = errno
      if code == EINTR { continue }
      if code == ELOOP {
        throw SystemError(
          .occupied,
          "\(path) is a symbolic link; give the path of the file itself",
          code: code
        )
      }
      throw SystemError(cannot: "open \(path)", code: code)
    }
  }

  /// What `fstat` says.
  package func status(of path: String) throws(SystemError) -> stat {
    var status = stat()
    guard fstat(rawValue, &status) == 0 else {
      throw SystemError(cannot: "inspect \(path)", code: errno)
    }
    return status
  }

  /// Writes all bytes at the current position.
  package func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws(SystemError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = Glibc.write(
        rawValue,
        UnsafeRawBufferPointer(rebasing: rest).baseAddress,
        rest.count
      )
      if count < 0 {
        let code = errno
        if code == EINTR { continue }
        throw SystemError(cannot: "write \(path)", code: code)
      }
      rest = rest.dropFirst(count)
    }
  }

  /// Reads once into the buffer; 0 at the end of the file.
  package func read(
    into buffer: UnsafeMutableRawBufferPointer,
    from path: String
  )
    throws(SystemError) -> Int
  {
    while true {
      let count = Glibc.read(rawValue, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      let code = errno
      if code == EINTR { continue }
      throw SystemError(cannot: "read \(path)", code: code)
    }
  }

  /// Reads public bytes to the end of the file; more than `limit` is `tooLarge`.
  package func readAll(from path: String, limit: Int) throws(SystemError) -> [UInt8] {
    guard try status(of: path).isRegularFile else {
      throw SystemError(.occupied, "\(path) is not a plain file")
    }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      let result = buffer.withUnsafeMutableBytes { buffer in
        Result { () throws(SystemError) in try read(into: buffer, from: path) }
      }
      let count = try result.get()
      if count == 0 { return bytes }
      bytes += buffer[..<count]
      guard bytes.count <= limit else {
        throw SystemError(.tooLarge, "\(path) has more than \(limit) bytes")
      }
    }
  }

  /// Makes data and metadata durable.
  package func synchronize(_ path: String) throws(SystemError) {
    // Never retried: after a failed fsync the kernel may have dropped the dirty pages.
    guard fsync(rawValue) == 0 else {
      throw SystemError(cannot: "make \(path) durable", code: errno)
    }
  }
}
