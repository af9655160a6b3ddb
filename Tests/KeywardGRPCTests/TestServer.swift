import Glibc
import KeywardGRPC
import KeywardSystem
import NIOCore
import NIOPosix

/// A server on a socket of its own, and clients of it.
struct TestServer {
  static let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)

  let endpoint: UnixEndpoint
  let server: GRPCServer

  init(
    _ methods: [String: GRPCMethod],
    limits: GRPCServer.Limits = .init(),
    admits: @escaping @Sendable (GRPCPeer) -> Bool = { _ in true }
  ) async throws {
    endpoint = try UnixEndpoint(abstract: "keyward-grpc-\(UInt64.random(in: 0 ... .max))")
    guard let descriptor = try UnixListener.bind(endpoint).takeDescriptor() else {
      throw SystemError(.failed, "no descriptor")
    }
    server = try await GRPCServer.start(
      listening: descriptor,
      group: Self.group,
      methods: methods,
      limits: limits,
      admits: admits
    )
  }

  func client(largestResponse: Int = 1 << 20) async throws -> GRPCClient {
    try await GRPCClient.start(
      connected: try UnixSocket.connect(to: endpoint),
      on: Self.group.next(),
      largestResponse: largestResponse
    )
  }

  /// A connection that speaks whatever the test writes.
  func raw() throws -> RawConnection {
    let descriptor = try UnixSocket.connect(to: endpoint)
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
    return RawConnection(descriptor)
  }

  /// Waits until the metrics say so, for at most 5 s.
  func wait(until condition: (GRPCServerMetrics) -> Bool) async throws -> Bool {
    for _ in 0..<1000 {
      if condition(server.metrics) { return true }
      try await Task.sleep(for: .milliseconds(5))
    }
    return false
  }
}

/// A blocking socket that closes itself.
final class RawConnection: Sendable {
  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  static let emptySettings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]

  private let descriptor: CInt

  init(_ descriptor: CInt) {
    self.descriptor = descriptor
    var patience = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(
      descriptor,
      SOL_SOCKET,
      SO_RCVTIMEO,
      &patience,
      socklen_t(MemoryLayout<timeval>.size)
    )
  }

  deinit {
    close(descriptor)
  }

  /// Sends the bytes; false when the server has closed.
  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count
  }

  /// Reads until the server closes; nil when it does not within 10 s.
  func readToEnd() -> [UInt8]? {
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count == 0 { return result }
      if count < 0 { return errno == ECONNRESET ? result : nil }
      result += buffer.prefix(count)
    }
  }

  /// Reads at least that many bytes.
  func read(atLeast wanted: Int) -> [UInt8] {
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while result.count < wanted {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count <= 0 { break }
      result += buffer.prefix(count)
    }
    return result
  }
}

extension GRPCMessage {
  init(_ bytes: [UInt8], isSecret: Bool = false) {
    self.init(count: bytes.count, isSecret: isSecret) { buffer in buffer.writeBytes(bytes) }
  }
}

extension GRPCClientMethod {
  static func test(
    _ path: String = "/test/Echo",
    timeout: TimeAmount = .seconds(60)
  )
    -> GRPCClientMethod
  {
    GRPCClientMethod(path: path, timeout: timeout)
  }
}

extension GRPCClient {
  /// Calls with bytes and gives the status of a failure, nil for success.
  func failure(_ method: GRPCClientMethod, _ bytes: [UInt8]) async -> GRPCStatus? {
    do throws(GRPCStatus) {
      _ = try await call(method, bytes)
      return nil
    } catch {
      return error
    }
  }

  /// Calls with bytes and gets bytes.
  func call(_ method: GRPCClientMethod, _ bytes: [UInt8]) async throws(GRPCStatus) -> [UInt8] {
    try await call(method, GRPCMessage(bytes)) { (buffer) throws(GRPCStatus) in
      Array(buffer: buffer)
    }
  }
}
