import Glibc
import NIOCore
import NIOPosix

/// Who is at the other end of a connection, as the kernel noted at its `connect()` (unix(7)).
///
/// The layout is that of Linux's `struct ucred`. The pid may be reused: it is for the log alone.
struct UnixPeer: Sendable {
  var pid: Int32 = 0
  var uid: UInt32 = .max
  var gid: UInt32 = .max

  static func of(_ channel: any Channel) -> EventLoopFuture<UnixPeer> {
    guard let provider = channel as? any SocketOptionProvider else {
      return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
    }
    return provider.unsafeGetSocketOption(level: .socket, name: .init(rawValue: SO_PEERCRED))
  }
}
