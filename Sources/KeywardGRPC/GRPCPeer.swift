import NIOCore

/// The process at the other end of a Unix socket, as the kernel noted at its `connect()`.
///
/// Source: unix(7), `SO_PEERCRED`.
package struct GRPCPeer: Sendable, Hashable {
  // The order and the sizes of `struct ucred`: the kernel fills this value.
  package let pid: Int32
  package let uid: UInt32
  package let gid: UInt32

  package init(pid: Int32, uid: UInt32, gid: UInt32) {
    self.pid = pid
    self.uid = uid
    self.gid = gid
  }
}
