import Glibc
import NIOCore

extension ByteBuffer {
  /// Zeroes the readable bytes where they lie.
  ///
  /// Below copy-on-write on purpose: a mutating access would wipe a fresh copy and leave the
  /// received bytes behind whenever the decoder still holds the same storage. Nobody may read these
  /// bytes afterwards.
  func wipe() {
    withUnsafeReadableBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      explicit_bzero(UnsafeMutableRawPointer(mutating: start), bytes.count)
    }
  }
}
