import Glibc
package import NIOCore

extension ByteBuffer {
  /// Overwrites the readable bytes in place, also for everybody else who shares the storage.
  ///
  /// An ordinary write would copy shared storage and leave the secret in the old copy, so this goes
  /// below copy-on-write. Only for bytes whose last reader is done.
  package func wipeReadableBytes() {
    withUnsafeReadableBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      explicit_bzero(UnsafeMutableRawPointer(mutating: start), bytes.count)
    }
  }
}
