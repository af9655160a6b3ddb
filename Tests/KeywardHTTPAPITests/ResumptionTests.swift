import Glibc
import KeywardHTTPAPI
import KeywardHTTPClient
import KeywardModel
import Synchronization
import Testing

extension HTTPAPITests {
  @Suite("HTTPServer: resumed sessions")
  struct ResumptionTests {
    /// Makes an authority, an intermediate one and a client's certificate with the `openssl` command,
    /// connects with the chain, and again with the session of before; exits with 10 when the second
    /// connection was resumed.
    private static let script = """
      import socket, ssl, subprocess, sys
      folder, port, version = sys.argv[1], int(sys.argv[2]), sys.argv[3]
      def run(*words): subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)
      ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
      run("req", "-x509", *ec, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=ca")
      for name, by in (("middle", "ca"), ("client", "middle")):
          run("req", *ec, "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name)
          run("x509", "-req", "-in", name + ".csr", "-CA", by + ".crt", "-CAkey", by + ".key",
              "-CAcreateserial", "-out", name + ".crt", "-days", "1")
      with open(folder + "/chain.pem", "w") as chain:
          for name in ("client", "middle"): chain.write(open(f"{folder}/{name}.crt").read())
      context = ssl.create_default_context(cafile=folder + "/server.crt")
      context.load_cert_chain(folder + "/chain.pem", folder + "/client.key")
      context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
      session = None
      for turn in range(2):
          plain = socket.create_connection(("127.0.0.1", port))
          secure = context.wrap_socket(plain, server_hostname="127.0.0.1", session=session)
          secure.sendall(b"GET /api/v1/keys/a HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
          data = b""
          while piece := secure.recv(1 << 16): data += piece
          assert data.startswith(b"HTTP/1.1 200"), data
          session, reused = secure.session, secure.session_reused
          secure.close()
      sys.exit(10 if reused else 11)
      """

    @Test(
      "A session that is resumed shows the whole chain again",
      arguments: ["TLSv1_2", "TLSv1_3"]
    )
    func chain(version: String) async throws {
      try await HTTPSTestServer.run(clientCertificates: .optional) { server in
        let status = try Script.run(Self.script, server.folder, "\(server.port)", version)
        let chains = server.authenticator.state.withLock { $0.shown.map(\.peer.certificates) }
        #expect(chains.count == 2)
        #expect(chains.first?.count == 2)
        #expect(chains.first == chains.last)
        // 11 would be a full handshake again: then nothing was shown of resumption.
        #expect(status == 10)
      }
    }
  }
}
