import Glibc
import KeywardModel
import NIOCore
import NIOPosix

/// The peer of a Unix socket in the layout of Linux's `struct ucred` (unix(7)).
struct KernelPeer: Sendable {
  var pid: Int32 = 0
  var uid: UInt32 = .max
  var gid: UInt32 = .max

  static func of(_ channel: any Channel) -> EventLoopFuture<KernelPeer> {
    guard let provider = channel as? any SocketOptionProvider else {
      return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
    }
    return provider.unsafeGetSocketOption(level: .socket, name: .init(rawValue: SO_PEERCRED))
  }
}
