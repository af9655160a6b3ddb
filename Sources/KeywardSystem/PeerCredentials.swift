import CKeywardShims

/// Who is at the other end of a Unix socket, as the kernel noted at its `connect()`.
///
/// Source: unix(7), `SO_PEERCRED`. The pid may be gone or reused by now: use it for words in a
/// log, never for a decision.
package struct PeerCredentials: Sendable, Hashable {
  package let pid: Int32
  package let uid: UInt32
  package let gid: UInt32

  package init(pid: Int32, uid: UInt32, gid: UInt32) {
    self.pid = pid
    self.uid = uid
    self.gid = gid
  }

  /// Asks the kernel about a connected Unix socket.
  package init(of descriptor: CInt) throws(SystemError) {
    var pid: Int32 = 0
    var uid: UInt32 = 0
    var gid: UInt32 = 0
    let code = kw_peer_credentials(descriptor, &pid, &uid, &gid)
    guard code == 0 else {
      throw SystemError(cannot: "learn who is at the other end of a socket", code: -code)
    }
    self.init(pid: pid, uid: uid, gid: gid)
  }
}
