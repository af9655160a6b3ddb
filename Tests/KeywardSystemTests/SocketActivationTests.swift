import Glibc
import KeywardSystem
import Testing

// One after another: the descriptors are put at numbers of our choice.
@Suite(.serialized)
struct SocketActivationTests {
  private let directory: TemporaryDirectory
  /// Numbers near the limit, which no other test of the process reaches.
  private static let first: CInt = {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return CInt(min(limit.rlim_cur, 100_000)) - 8
  }()

  init() throws {
    directory = try TemporaryDirectory()
  }

  @Test
  func takesPassedSocketsByName() throws {
    try pass(["a.sock", "b.sock"])
    var activation = try SocketActivation(
      environment: environment(count: "2", names: "eu:us"),
      firstDescriptor: Self.first
    )
    #expect(activation.names == ["eu", "us"])
    guard let socket = activation.take("us") else {
      Issue.record("the socket is missing")
      return
    }
    #expect(SocketActivation.endpoint(of: socket) == .path(directory.file("b.sock")))
    let listener = UnixListener.adopt(socket, as: .path(directory.file("b.sock")))
    close(try UnixSocket.connect(to: listener.endpoint))
    #expect(activation.names == ["eu"])
    // Not ours to remove: systemd made it.
    listener.removeFile()
    #expect(permissions(of: directory.file("b.sock")) != nil)
    #expect(fcntl(Self.first, F_GETFD) & FD_CLOEXEC != 0)
  }

  @Test
  func ignoresSocketsOfAnotherProcess() throws {
    var environment = environment(count: "1", names: "eu")
    environment["LISTEN_PID"] = "1"
    let activation = try SocketActivation(environment: environment, firstDescriptor: Self.first)
    #expect(activation.names.isEmpty)
    let none = try SocketActivation(environment: [:], firstDescriptor: Self.first)
    #expect(none.names.isEmpty)
  }

  @Test(arguments: ["-1", "x", "65", "9999999999999999999"])
  func refusesACountThatIsNone(count: String) {
    #expect(throws: SystemError.self) {
      _ = try SocketActivation(
        environment: environment(count: count, names: "eu"),
        firstDescriptor: Self.first
      )
    }
  }

  @Test
  func refusesWhatIsNoListeningSocket() throws {
    var pair: [CInt] = [-1, -1]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
    defer { for descriptor in pair { close(descriptor) } }
    dup2(pair[0], Self.first)
    defer { close(Self.first) }
    #expect(throws: SystemError.self) {
      _ = try SocketActivation(
        environment: environment(count: "1", names: ""),
        firstDescriptor: Self.first
      )
    }
  }

  @Test
  func refusesTwoSocketsOfOneName() throws {
    try pass(["a.sock", "b.sock"])
    #expect(throws: SystemError.self) {
      _ = try SocketActivation(
        environment: environment(count: "2", names: "eu:eu"),
        firstDescriptor: Self.first
      )
    }
    close(Self.first + 1)
  }

  private func environment(count: String, names: String) -> [String: String] {
    ["LISTEN_PID": "\(getpid())", "LISTEN_FDS": count, "LISTEN_FDNAMES": names]
  }

  private func pass(_ names: [String]) throws {
    for (index, name) in names.enumerated() {
      let listener = try UnixListener.bind(UnixEndpoint(path: directory.file(name)))
      let descriptor = try #require(listener.takeDescriptor())
      dup2(descriptor, Self.first + CInt(index))
      close(descriptor)
    }
  }
}
