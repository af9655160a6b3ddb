import Dispatch
import Foundation
import Glibc
import KeywardCrypto
import KeywardHTTPClient
import KeywardSystem
import Synchronization
import Testing

/// The libcurl client against a server that misbehaves.
@Suite("HTTPClient")
struct HTTPClientTests {
  /// Has each connection to a socket of its own served by `serve`, which is given the socket's path.
  private static func listening(
    _ serve: @escaping @Sendable (_ connection: CInt, _ path: String) -> Void,
    _ body: (HTTPClient) throws -> Void
  ) throws {
    var template = Array("/tmp/keyward-client-XXXXXX".utf8CString)
    let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
    let path = folder + "/s.sock"
    let listener = try UnixListener.bind(try UnixEndpoint(path: path))
    let descriptor = try #require(listener.takeDescriptor())
    defer {
      listener.removeFile()
      unlink(path + ".lock")
      rmdir(folder)
    }
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
    let server = DispatchQueue(label: "server", attributes: .concurrent)
    server.async {
      while case let connection = accept(descriptor, nil, nil), connection >= 0 {
        server.async {
          serve(connection, path)
          close(connection)
        }
      }
      close(descriptor)
    }
    defer { shutdown(descriptor, CInt(SHUT_RDWR)) }
    try body(try HTTPClient(.unix(path: path)))
  }

  private static func send(_ text: String, _ connection: CInt) {
    let bytes = Array(text.utf8)
    _ = Glibc.send(connection, bytes, bytes.count, CInt(MSG_NOSIGNAL))
  }

  /// Answers each connection with fixed bytes and closes it.
  private static func serve(_ answer: String, _ body: (HTTPClient) throws -> Void) throws {
    try listening(
      { connection, _ in
        _ = readRequest(connection)
        send(answer, connection)
      },
      body
    )
  }

  private static func expect(_ answer: String, _ expected: HTTPClientError?) throws {
    try serve(answer) { client in
      do throws(HTTPClientError) {
        _ = try client.send(HTTPClientRequest(.get, "/"), to: .bytes(limit: 100))
        #expect(expected == nil)
      } catch {
        switch (error, expected) {
        case (.interrupted, .interrupted), (.failed, .failed): break
        default: #expect(error == expected)
        }
      }
    }
  }

  @Test("Answers that are cut, too long or empty are errors of their kind")
  func failures() throws {
    let ok = "HTTP/1.1 200 OK\r\n"
    try Self.expect(ok + "Content-Length: 2\r\n\r\nhi", nil)
    try Self.expect("", .interrupted(reason: ""))
    try Self.expect(ok + "Content-Length: 5\r\n\r\nhi", .interrupted(reason: ""))
    try Self.expect(
      ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
      .interrupted(reason: "")
    )
    let long = String(repeating: "a", count: 101)
    try Self.expect(ok + "Content-Length: 101\r\n\r\n\(long)", .tooLarge(limit: 100))
    try Self.expect(ok + "Connection: close\r\n\r\n\(long)", .tooLarge(limit: 100))
    try Self.expect("not HTTP\r\n\r\n", .failed(reason: ""))
  }

  /// How many requests reach a server that answers the first on a kept connection, reads the second
  /// whole and hangs up, for good or to be reached again; and how the second ended.
  private static func requestsAfterHangUp(
    _ second: HTTPClientRequest,
    isGone: Bool = false
  ) throws -> (arrived: Int, error: HTTPClientError?) {
    let arrived = Mutex(0)
    var failure: HTTPClientError?
    let answer: @Sendable (CInt, String) -> Void = { connection, path in
      while readRequest(connection) {
        let number = arrived.withLock { arrived in
          arrived += 1
          return arrived
        }
        guard number != 2 else {
          if isGone { unlink(path) }
          return
        }
        send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", connection)
      }
    }
    try listening(answer) { client in
      let first = try client.send(HTTPClientRequest(.get, "/"))
      #expect(first.status == 200)
      do throws(HTTPClientError) { _ = try client.send(second) } catch { failure = error }
    }
    return (arrived.withLock { $0 }, failure)
  }

  /// Reads a request with the body that its head announces; false at the end of the connection.
  private static func readRequest(_ connection: CInt) -> Bool {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(connection, &buffer, buffer.count)
      guard count > 0 else { return false }
      bytes += buffer[..<count]
      let parts = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n\r\n")
      guard parts.count > 1 else { continue }
      let length = parts[0].components(separatedBy: "Content-Length: ").dropFirst().first
        .flatMap { Int($0.prefix { $0.isNumber }) }
      if parts[1].utf8.count >= length ?? 0 { return true }
    }
  }

  @Test("What is sent once arrives once when a kept connection dies, with a body and without")
  func sentOnce() throws {
    let bytes = [UInt8](repeating: 7, count: 100_000)
    let secret = try bytes.withUnsafeBytes { SecretBox(try SecretBytes(copying: $0)) }
    let bodies: [HTTPClientRequest.Body] = [
      .bytes([1, 2, 3], contentType: "text/plain"),
      .bytes(Array(repeating: 65, count: 200_000), contentType: "text/plain"),
      .secret(secret),
    ]
    for method in [HTTPClientRequest.Method.post, .put] {
      for body in bodies {
        var request = HTTPClientRequest(method, "/", body: body)
        // libcurl by itself sends again: what this test would see if nothing held it back.
        #expect(try Self.requestsAfterHangUp(request).arrived == 3)
        request.isSentOnce = true
        let (arrived, error) = try Self.requestsAfterHangUp(request)
        #expect(arrived == 2)
        guard case .interrupted = error else {
          Issue.record("\(String(describing: error))")
          continue
        }
      }
    }
    for request in [
      HTTPClientRequest(.post, "/"), HTTPClientRequest(.delete, "/"),
      HTTPClientRequest(.post, "/", body: .bytes([], contentType: "text/plain")),
    ] {
      var request = request
      request.isSentOnce = true
      let (arrived, error) = try Self.requestsAfterHangUp(request)
      #expect(arrived == 2)
      guard case .interrupted = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
  }

  @Test("What has been sent is not called unsent when the server cannot be reached again")
  func sentAndGone() throws {
    for count in [3, 200_000] {
      var request = HTTPClientRequest(
        .post,
        "/",
        body: .bytes(Array(repeating: 65, count: count), contentType: "text/plain")
      )
      // Of a request that may go out again libcurl says how the last try ended.
      let plain = try Self.requestsAfterHangUp(request, isGone: true)
      guard case .unreachable = plain.error else {
        Issue.record("\(String(describing: plain.error))")
        continue
      }
      request.isSentOnce = true
      let (arrived, error) = try Self.requestsAfterHangUp(request, isGone: true)
      #expect(arrived == 2)
      guard case .interrupted = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
  }

  @Test("A redirect is an answer, never followed")
  func redirect() throws {
    try Self.serve("HTTP/1.1 302 Found\r\nLocation: http://evil/\r\nContent-Length: 0\r\n\r\n") {
      client in
      let response = try client.send(HTTPClientRequest(.get, "/"))
      #expect(response.status == 302)
      #expect(response.headers["location"] == "http://evil/")
    }
  }

  @Test("A secret answer is in the arena, an error's words are not taken for one")
  func secrets() throws {
    try Self.serve("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret") { client in
      let response = try client.send(HTTPClientRequest(.post, "/"), to: .secret(limit: 6))
      #expect(response.bytes.isEmpty)
      #expect(response.secret?.bytes.revealed() == Array("secret".utf8))
    }
    try Self.serve("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret") { client in
      #expect(throws: HTTPClientError.tooLarge(limit: 5)) {
        try client.send(HTTPClientRequest(.post, "/"), to: .secret(limit: 5))
      }
    }
    try Self.serve("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno") { client in
      let response = try client.send(HTTPClientRequest(.post, "/"), to: .secret(limit: 100))
      #expect(response.status == 403)
      #expect(response.secret == nil)
      #expect(response.bytes == Array("no".utf8))
    }
  }

  @Test("Nobody at the address is unreachable, with the system's words")
  func unreachable() throws {
    let client = try HTTPClient(.unix(path: "/tmp/keyward-no-such-socket"))
    #expect(throws: HTTPClientError.unreachable(reason: "No such file or directory")) {
      try client.send(HTTPClientRequest(.get, "/"))
    }
  }

  @Test("A certificate that no given authority signed is refused, and its own is taken")
  func certificates() throws {
    var template = Array("/tmp/keyward-tls-XXXXXX".utf8CString)
    let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
    let script = """
      import datetime, http.server, os, ssl, sys
      from cryptography import x509
      from cryptography.hazmat.primitives import hashes, serialization
      from cryptography.hazmat.primitives.asymmetric import ec
      os.chdir(sys.argv[1])
      key = ec.generate_private_key(ec.SECP256R1())
      name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
      now = datetime.datetime.now(datetime.timezone.utc)
      certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
          .public_key(key.public_key()).serial_number(1)
          .not_valid_before(now - datetime.timedelta(days=1))
          .not_valid_after(now + datetime.timedelta(days=1))
          .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
          .add_extension(x509.BasicConstraints(True, None), True)
          .sign(key, hashes.SHA256()))
      pem = serialization.Encoding.PEM
      open("cert.pem", "wb").write(certificate.public_bytes(pem))
      open("key.pem", "wb").write(key.private_bytes(
          pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
      context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
      context.load_cert_chain("cert.pem", "key.pem")
      server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
      server.socket = context.wrap_socket(server.socket, server_side=True)
      if os.fork():
          os._exit(0)
      open("port.tmp", "w").write(str(server.server_port))
      os.rename("port.tmp", "port")
      import threading
      threading.Timer(20, lambda: os._exit(0)).start()
      server.serve_forever()
      """
    #expect(try Script.run(script, folder) == 0)
    #expect(eventually { access(folder + "/port", R_OK) == 0 })
    let port = try String(contentsOfFile: folder + "/port", encoding: .utf8)
    let trusting = try HTTPClient(
      .https(authority: "localhost:\(port)", TLSFiles(authorities: folder + "/cert.pem"))
    )
    // The handler knows no method: an answer at all means that the handshake was accepted.
    #expect(try trusting.send(HTTPClientRequest(.get, "/")).status == 501)
    for endpoint in [
      HTTPEndpoint.https(authority: "localhost:\(port)", TLSFiles()),
      .https(authority: "127.0.0.1:\(port)", TLSFiles(authorities: folder + "/cert.pem")),
    ] {
      let client = try HTTPClient(endpoint)
      do throws(HTTPClientError) {
        _ = try client.send(HTTPClientRequest(.get, "/"))
        Issue.record("accepted")
      } catch {
        guard case .untrusted = error else {
          Issue.record("\(error)")
          return
        }
      }
    }
  }
}
