import Glibc

/// A small file of a fixed size that is rewritten in place, such as a rollback anchor.
///
/// A rewrite is one `pwrite` of at most 512 bytes at offset 0, so that it lies in one sector.
/// Whoever reads must still check a code of its own: the file is not trusted.
package struct FixedSizeFile: ~Copyable, Sendable {
  /// The most bytes such a file may have.
  package static let largestSize = 512

  private let file: FileDescriptor
  private let path: String
  private let size: Int

  /// Opens the file, or creates it empty.
  ///
  /// - Throws: `tooPermissive` when others may read or change it, `invalid` for a wrong size.
  package init(_ path: String, size: Int, creating: Bool) throws(SystemError) {
    guard (1...Self.largestSize).contains(size) else {
      throw SystemError(.invalid, "\(path): a size of \(size) bytes is not possible")
    }
    let file = try FileDescriptor.open(
      path,
      O_RDWR | O_NOFOLLOW | O_NONBLOCK | (creating ? O_CREAT : 0),
      mode: 0o600
    )
    let status = try file.status(of: path)
    guard status.isRegularFile else {
      throw SystemError(.occupied, "\(path) is not a plain file")
    }
    guard status.permissions & 0o077 == 0 else {
      throw SystemError(.tooPermissive, "other users may use \(path); run: chmod 600 \(path)")
    }
    guard status.st_size == 0 || status.st_size == size else {
      throw SystemError(.invalid, "\(path) has \(status.st_size) bytes, not \(size)")
    }
    self.file = file
    self.path = path
    self.size = size
  }

  /// The bytes, or nil when nothing was ever written.
  package func read() throws(SystemError) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: size)
    let count = bytes.withUnsafeMutableBytes { buffer in
      pread(file.rawValue, buffer.baseAddress, buffer.count, 0)
    }
    guard count >= 0 else { throw SystemError(cannot: "read \(path)", code: errno) }
    if count == 0 { return nil }
    guard count == size else {
      throw SystemError(.invalid, "\(path) has \(count) bytes, not \(size)")
    }
    return bytes
  }

  /// Rewrites the file, and when `durably` waits until the bytes are on disk (`fdatasync`).
  package func write(_ bytes: [UInt8], durably: Bool) throws(SystemError) {
    guard bytes.count == size else {
      throw SystemError(.invalid, "\(path) takes \(size) bytes, not \(bytes.count)")
    }
    let count = bytes.withUnsafeBytes { buffer in
      pwrite(file.rawValue, buffer.baseAddress, buffer.count, 0)
    }
    guard count == size else {
      throw SystemError(cannot: "write \(path)", code: count < 0 ? errno : EIO)
    }
    guard durably else { return }
    guard fdatasync(file.rawValue) == 0 else {
      throw SystemError(cannot: "make \(path) durable", code: errno)
    }
  }
}
