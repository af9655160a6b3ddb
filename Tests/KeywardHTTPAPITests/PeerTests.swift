import Glibc
import KeywardClient
import KeywardHTTPAPI
import KeywardModel
import Testing

extension HTTPAPITests {
  @Suite("HTTPServer: peers")
  struct PeerTests {
    @Test("A uid that is not allowed is disconnected before it is heard, and counted")
    func refusal() async throws {
      try await TestServer.run(allowing: [getuid() &+ 1]) { server in
        let connection = try server.connect()
        connection.write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(connection.readAll().isEmpty)
        #expect(eventually { server.events.refusedPeers == 1 })
        #expect(server.events.records.isEmpty)
      }
    }

    @Test("A process of another user is refused although the socket's mode lets it connect")
    func otherUser() async throws {
      guard getuid() == 0 else {
        // Only root can become another user; the test above proves the rule by the list.
        return
      }
      try await TestServer.run(mode: 0o666) { server in
        let script = """
          import os, socket, sys
          os.setuid(65534)
          s = socket.socket(socket.AF_UNIX)
          s.connect(sys.argv[1])
          try:
              s.sendall(b"GET /livez HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
              sys.exit(10 if s.recv(100) == b"" else 11)
          except (BrokenPipeError, ConnectionResetError):
              sys.exit(10)
          """
        let status = try Script.run(script, server.path)
        #expect(status == 10)
        #expect(eventually { server.events.refusedPeers == 1 })
        #expect(try server.client().text("/livez").status == 200)
      }
    }
  }
}
