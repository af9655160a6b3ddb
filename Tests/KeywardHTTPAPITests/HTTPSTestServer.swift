import Dispatch
import Glibc
import KeywardClient
import KeywardCrypto
import KeywardHTTPAPI
import KeywardHTTPClient
import KeywardModel
import NIOCore
import NIOPosix
import Testing

/// A server with a fake service and a fake authenticator behind TLS on a free port of loopback.
struct HTTPSTestServer {
  let service: FakeService
  let authenticator: FakeAuthenticator
  let identity: TLSIdentity
  /// Holds `server.crt` and `server.key`, and what a test puts there.
  let folder: String
  let port: Int
  let server: HTTPServer

  static func run(
    clientCertificates: TLSIdentity.ClientCertificates = .off,
    limits: HTTPLimits = HTTPLimits(),
    _ body: @escaping @Sendable (HTTPSTestServer) throws -> Void
  ) async throws {
    var template = Array("/tmp/keyward-https-XXXXXX".utf8CString)
    let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
    try writePair(folder + "/server")
    let identity = try TLSIdentity(
      certificate: folder + "/server.crt",
      key: folder + "/server.key",
      clientCertificates: clientCertificates
    )
    let service = try FakeService()
    let authenticator = FakeAuthenticator()
    var configuration = HTTPServer.Configuration()
    configuration.limits = limits
    configuration.authenticator = authenticator
    let server = try await HTTPServer.start(
      address: try SocketAddress(ipAddress: "127.0.0.1", port: 0),
      identity: identity,
      group: MultiThreadedEventLoopGroup.singleton,
      configuration: configuration,
      service: service
    )
    let harness = HTTPSTestServer(
      service: service,
      authenticator: authenticator,
      identity: identity,
      folder: folder,
      port: try #require(server.address?.port),
      server: server
    )
    let result = await withCheckedContinuation { continuation in
      DispatchQueue(label: "test").async {
        continuation.resume(returning: Result { try body(harness) })
      }
    }
    await server.shutdown(within: .seconds(1))
    removeFolder(folder)
    try result.get()
  }

  /// Writes `PATH.crt` and `PATH.key`.
  static func writePair(_ path: String, name: String = "localhost") throws {
    let now = Int64(time(nil))
    let made = try SelfSignedCertificate.make(
      commonName: name,
      alternatives: "DNS:\(name),IP:127.0.0.1",
      from: now - 60,
      to: now + 3600
    )
    try write(made.certificate, to: path + ".crt")
    try write(made.key.revealed(), to: path + ".key")
  }

  static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600) throws {
    unlink(path)
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, mode)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    fchmod(descriptor, mode)
    #expect(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
  }

  private static func removeFolder(_ folder: String) {
    guard let stream = opendir(folder) else { return }
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      unlink(folder + "/" + name)
    }
    closedir(stream)
    rmdir(folder)
  }

  var address: String { "https://127.0.0.1:\(port)" }

  func client(
    token: String? = FakeAuthenticator.token,
    certificate: String? = nil
  ) throws -> KeywardClient {
    let files = TLSFiles(
      authorities: folder + "/server.crt",
      certificate: certificate.map { $0 + ".crt" },
      key: certificate.map { $0 + ".key" }
    )
    return try KeywardClient(
      try #require(ServerAddress(address)),
      ClientCredentials(files: files, bearer: token.flatMap { BearerCredential($0) })
    )
  }

  /// One request with libcurl.
  func send(
    _ method: HTTPClientRequest.Method,
    _ target: String,
    body: HTTPClientRequest.Body = .none,
    headers: [(name: String, value: String)] = []
  ) throws -> HTTPClientResponse {
    let files = TLSFiles(authorities: folder + "/server.crt")
    let http = try HTTPClient(.https(authority: "127.0.0.1:\(port)", files))
    var request = HTTPClientRequest(method, target, body: body)
    request.headers = headers
    return try http.send(request)
  }
}
