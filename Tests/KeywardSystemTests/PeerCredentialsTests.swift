import Glibc
import KeywardSystem
import Testing

@Suite
struct PeerCredentialsTests {
  @Test
  func namesTheProcessAtTheOtherEnd() throws {
    var pair: [CInt] = [-1, -1]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
    defer { for descriptor in pair { close(descriptor) } }
    let peer = try PeerCredentials(of: pair[0])
    #expect(peer == PeerCredentials(pid: getpid(), uid: geteuid(), gid: getegid()))
  }

  @Test
  func failsOnWhatIsNoSocket() {
    #expect(throws: SystemError.self) { try PeerCredentials(of: STDIN_FILENO + 900) }
  }
}
