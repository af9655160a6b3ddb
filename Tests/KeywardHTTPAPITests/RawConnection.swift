import Glibc
import KeywardSystem
import Testing

/// A plain Unix socket on which a test writes any bytes it likes.
struct RawConnection: ~Copyable {
  let descriptor: CInt

  init(_ path: String) throws {
    descriptor = try Self.connect(try UnixEndpoint(path: path))
    let flags = fcntl(descriptor, F_GETFL)
    _ = fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK)
    setTimeout(seconds: 20)
  }

  deinit { close(descriptor) }

  /// Connects, and tries again while a server that is alive has too many in its queue.
  private static func connect(_ endpoint: UnixEndpoint) throws(SystemError) -> CInt {
    for _ in 0..<500 {
      do throws(SystemError) {
        return try UnixSocket.connect(to: endpoint)
      } catch {
        guard error.code == EAGAIN else { throw error }
        usleep(10_000)
      }
    }
    return try UnixSocket.connect(to: endpoint)
  }

  func setTimeout(seconds: Int) {
    var time = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
  }

  /// False when the server has closed.
  @discardableResult
  func write(_ text: String) -> Bool { write(Array(text.utf8)) }

  @discardableResult
  func write(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// Everything up to the end of the connection, or to the end of waiting.
  func readAll() -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      bytes.append(contentsOf: buffer[..<count])
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// One answer with a Content-Length, so that the connection can go on.
  func readAnswer() -> (status: Int, head: String, body: String) {
    var bytes: [UInt8] = []
    var byte: UInt8 = 0
    while !bytes.suffix(4).elementsEqual("\r\n\r\n".utf8), read(descriptor, &byte, 1) == 1 {
      bytes.append(byte)
    }
    let head = String(decoding: bytes, as: UTF8.self)
    var body: [UInt8] = []
    let length = head.lowercased().split(separator: "\r\n")
      .first { $0.hasPrefix("content-length: ") }
      .flatMap { Int($0.dropFirst("content-length: ".count)) }
    while body.count < length ?? 0, read(descriptor, &byte, 1) == 1 { body.append(byte) }
    let status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    return (status ?? 0, head, String(decoding: body, as: UTF8.self))
  }

  /// Sends one request that asks for the connection to end, and reads all.
  static func exchange(_ server: TestServer, _ request: String) throws -> String {
    let connection = try server.connect()
    connection.write(request)
    return connection.readAll()
  }
}
