import CKeywardShims
import Glibc

/// Unix stream sockets as a client: connect to an endpoint.
package enum UnixSocket {
  /// Connects; the descriptor is non-blocking and close-on-exec, and the caller's to close.
  ///
  /// Waits for at most 1 s, and only while the server's backlog is full.
  ///
  /// - Throws: `SystemError` that says what to do when nobody listens.
  package static func connect(to endpoint: UnixEndpoint) throws(SystemError) -> CInt {
    let socket = try open()
    var code = attempt(socket.rawValue, endpoint)
    // The backlog of a live server is full: it accepts soon, or is too busy to be of use.
    for _ in 0..<100 where code == EAGAIN {
      usleep(10_000)
      code = attempt(socket.rawValue, endpoint)
    }
    switch code {
    case 0:
      return socket.release()
    case ENOENT:
      throw SystemError(
        .notFound,
        "\(endpoint): no such socket; is the server running?",
        code: code
      )
    case ECONNREFUSED:
      throw SystemError(
        .notFound,
        "\(endpoint): nobody listens; is the server running?",
        code: code
      )
    default:
      throw SystemError(cannot: "connect to \(endpoint)", code: code)
    }
  }

  /// Tries to connect and gives the `errno`, 0 when it worked.
  static func attempt(_ descriptor: CInt, _ endpoint: UnixEndpoint) -> CInt {
    let (name, isAbstract) = endpoint.name
    return -kw_unix_connect(descriptor, name, name.utf8.count, isAbstract ? 1 : 0)
  }

  /// A fresh non-blocking stream socket.
  static func open() throws(SystemError) -> FileDescriptor {
    let descriptor = kw_unix_stream_socket()
    guard descriptor >= 0 else {
      throw SystemError(cannot: "open a Unix socket", code: -descriptor)
    }
    return FileDescriptor(owning: descriptor)
  }
}
