import Dispatch
import Glibc
import KeywardClient
import KeywardHTTPAPI
import KeywardSystem
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// A server with a fake service on a socket of its own.
struct TestServer {
  let service: FakeService
  let path: String
  let server: HTTPServer
  let events: EventLog

  final class EventLog: Sendable {
    private let events = Mutex<[HTTPServer.Event]>([])

    func append(_ event: HTTPServer.Event) { events.withLock { $0.append(event) } }

    var refusedPeers: Int {
      events.withLock { $0.count { if case .peerRefused = $0 { true } else { false } } }
    }

    var records: [HTTPServer.Record] {
      events.withLock {
        $0.compactMap { if case .answered(let record) = $0 { record } else { nil } }
      }
    }
  }

  /// Starts a server, runs `body` against it and stops it.
  ///
  /// `body` blocks on sockets, so it has a thread of its own: the threads of Swift tasks, two on a
  /// small machine, are for the server.
  static func run(
    limits: HTTPLimits = HTTPLimits(),
    allowing uids: Set<UInt32> = [getuid()],
    mode: mode_t = 0o600,
    authenticator: any RequestAuthenticator = PeerAuthenticator(),
    _ body: @escaping @Sendable (TestServer) throws -> Void
  ) async throws {
    var template = Array("/tmp/keyward-http-XXXXXX".utf8CString)
    let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
    if mode != 0o600 { chmod(folder, 0o755) }
    let path = folder + "/admin.sock"
    let listener = try UnixListener.bind(try UnixEndpoint(path: path), mode: mode)
    if mode != 0o600 { chmod(path, mode) }
    let events = EventLog()
    var configuration = HTTPServer.Configuration(
      allowedUIDs: uids,
      metrics: { "extra_metric 1\n" },
      onEvent: { events.append($0) }
    )
    configuration.limits = limits
    configuration.authenticator = authenticator
    let service = try FakeService()
    let server = try await HTTPServer.start(
      descriptor: try #require(listener.takeDescriptor()),
      group: MultiThreadedEventLoopGroup.singleton,
      configuration: configuration,
      service: service
    )
    let harness = TestServer(service: service, path: path, server: server, events: events)
    let result = await withCheckedContinuation { continuation in
      DispatchQueue(label: "test").async {
        continuation.resume(returning: Result { try body(harness) })
      }
    }
    await server.shutdown(within: .seconds(1))
    listener.removeFile()
    unlink(path + ".lock")
    rmdir(folder)
    try result.get()
  }

  /// Stops the server and waits for it.
  func shutdown() {
    let done = DispatchSemaphore(value: 0)
    Task {
      await server.shutdown(within: .seconds(5))
      done.signal()
    }
    done.wait()
  }

  func client() throws -> KeywardClient {
    try KeywardClient(try #require(ServerAddress("unix://" + path)))
  }

  func connect() throws -> RawConnection { try RawConnection(path) }
}

/// The parent of all suites that start servers: one at a time, since some of them are about load.
@Suite("HTTP API", .serialized)
enum HTTPAPITests {}

/// Waits up to ten seconds for something that another thread is about to do.
func eventually(_ condition: () -> Bool) -> Bool {
  for _ in 0..<1000 {
    if condition() { return true }
    usleep(10_000)
  }
  return condition()
}
