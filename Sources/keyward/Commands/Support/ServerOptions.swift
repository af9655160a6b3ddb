import ArgumentParser
import Glibc
import KeywardClient
import KeywardCrypto
import KeywardHTTPClient
import KeywardModel
import KeywardSystem

/// Where the server is, whom the client trusts, and who it is.
///
/// A token is never an argument, which every user of the machine could read: it comes from
/// `KEYWARD_TOKEN`, from the file of `KEYWARD_TOKEN_FILE`, or from the file that `login` wrote.
struct ServerOptions: ParsableArguments {
  static let standardAddress = ServerAddress.standard

  static let hint = """
    Is it running? Point at it with --addr or KEYWARD_ADDR: unix:///PATH or https://HOST:PORT;
      'keyward server --dev' prints the addresses of its own.
    """

  @Option(
    name: .customLong("addr"),
    help: ArgumentHelp(
      "The server. (default: $KEYWARD_ADDR, else \(standardAddress))",
      valueName: "unix:///PATH or https://HOST:PORT"
    )
  )
  var address: String?

  @Option(
    help: ArgumentHelp(
      "PEM of the authorities to trust, instead of the system's. (default: $KEYWARD_CACERT)",
      valueName: "FILE"
    )
  )
  var cacert: String?

  @Option(
    help: ArgumentHelp(
      "PEM of the client's certificate. (default: $KEYWARD_CLIENT_CERT)",
      valueName: "FILE"
    )
  )
  var clientCert: String?

  @Option(
    help: ArgumentHelp(
      "PEM of its key, mode 0600. (default: $KEYWARD_CLIENT_KEY)",
      valueName: "FILE"
    )
  )
  var clientKey: String?

  @Option(
    help: ArgumentHelp(
      "The approval under which to do it, of the same command before.",
      valueName: "apr-…"
    )
  )
  var approval: IdentifierArgument<IdentifierKinds.Approval>?

  @Flag(
    name: [.customShort("v"), .long],
    help: "Say on standard error which credential is used, and what was looked at."
  )
  var verbose = false

  /// Whose token a client shows.
  enum Bearer {
    /// That of the environment, or over HTTPS that of `login`.
    case standard
    /// That of the environment or of `login`, whatever the address.
    case kept
    /// One that was made for a few requests.
    case session(BearerCredential)
    /// None: who logs in has none yet.
    case none
  }

  func client(_ bearer: Bearer = .standard) throws -> KeywardClient {
    let server = try server()
    return try KeywardClient(server, try credentials(for: server, bearer))
  }

  /// Where a token that is made now may be shown later.
  func origin() throws -> TokenOrigin {
    let server = try server()
    return try origin(server, server.isHTTPS ? files().authorities : nil)
  }

  private func origin(_ server: ServerAddress, _ authorities: String?) throws -> TokenOrigin {
    let digest = try authorities.map { path in
      let file = try FileDescriptor.open(path, O_RDONLY)
      return Hex.encode(Digest.sha256(try file.readAll(from: path, limit: 16 << 20)))
    }
    return TokenOrigin(server, authorities: digest)
  }

  func server() throws -> ServerAddress {
    let text = addressText
    guard let server = ServerAddress(text) else {
      throw CommandFailure(
        .usage,
        "'\(text)' is no address of a server.",
        remedy: "Write https://host:port, unix:///absolute/path or unix:///@abstract-name."
      )
    }
    return server
  }

  private func credentials(
    for server: ServerAddress,
    _ bearer: Bearer
  ) throws -> ClientCredentials {
    var credentials = ClientCredentials(approval: approval?.id)
    say("the server is \(server)")
    if server.isHTTPS { credentials.files = try files() }
    let isProved = credentials.files.certificate != nil
    let authorities = credentials.files.authorities
    let origin = { try self.origin(server, authorities) }
    switch bearer {
    case .none: break
    case .session(let credential): credentials.bearer = credential
    case .kept: credentials.bearer = try standardBearer(origin, readingFile: true)
    case .standard where !server.isHTTPS:
      credentials.bearer = try standardBearer(origin, readingFile: false)
    case .standard:
      if isProved { say("a client certificate is given") }
      credentials.bearer = try standardBearer(origin, readingFile: true) {
        // Who shows a certificate is not somebody else too.
        isProved
          ? nil : try PlatformLogin.credential(for: Self.authority(of: server), say: say)
      }
    }
    return credentials
  }

  /// Whether a request over HTTPS would show neither a given token nor a certificate.
  var isAnonymousHTTPS: Bool {
    (ServerAddress(addressText)?.isHTTPS ?? false) && Self.variable("KEYWARD_TOKEN") == nil
      && TokenFile.named == nil && clientCert == nil
      && Self.variable("KEYWARD_CLIENT_CERT") == nil
  }

  private var addressText: String {
    address ?? Self.variable("KEYWARD_ADDR") ?? Self.standardAddress
  }

  private func files() throws -> TLSFiles {
    let files = TLSFiles(
      authorities: cacert ?? Self.variable("KEYWARD_CACERT"),
      certificate: clientCert ?? Self.variable("KEYWARD_CLIENT_CERT"),
      key: clientKey ?? Self.variable("KEYWARD_CLIENT_KEY")
    )
    guard (files.certificate == nil) == (files.key == nil) else {
      throw CommandFailure(
        .usage,
        "A client certificate and its key go together.",
        remedy:
          "Give --client-cert and --client-key, or KEYWARD_CLIENT_CERT and KEYWARD_CLIENT_KEY."
      )
    }
    // libcurl would read a key that the whole machine can read.
    if let key = files.key {
      _ = try SecretFile.read(key, limit: 1 << 18, followingLinks: true)
    }
    return files
  }

  private static func authority(of server: ServerAddress) -> String {
    var text = server.description.dropFirst("https://".count)
    if text.hasSuffix("/") { text = text.dropLast() }
    return String(text)
  }

  /// A line for `-v`.
  func say(_ line: String) {
    if verbose { StandardStream.error("keyward: \(Table.printable(line))\n") }
  }

  /// The token that is given, else that of the platform, else that of `login`.
  ///
  /// The file of `login` counts only over HTTPS, so that what a user does on the admin socket is theirs
  /// and not that of a token from some day; and after the platform, since jobs of one machine share
  /// their home, and one must not take the token that another left.
  private func standardBearer(
    _ origin: () throws -> TokenOrigin,
    readingFile: Bool,
    platform: () throws -> BearerCredential? = { nil }
  ) throws -> BearerCredential? {
    if let text = Self.variable("KEYWARD_TOKEN") {
      guard let credential = BearerCredential(text) else {
        throw CommandFailure(.usage, "KEYWARD_TOKEN does not hold one token.")
      }
      say("using the token of KEYWARD_TOKEN")
      return credential
    }
    if let path = TokenFile.named {
      guard let credential = try TokenFile.read(path, for: origin) else {
        throw CommandFailure(
          .usage,
          "\(path), which KEYWARD_TOKEN_FILE names, is not there.",
          remedy: "Log in first: keyward login."
        )
      }
      say("using the token of KEYWARD_TOKEN_FILE")
      return credential
    }
    if let credential = try platform() { return credential }
    guard readingFile, let path = TokenFile.path else { return nil }
    let credential = try TokenFile.read(path, for: origin)
    say(credential == nil ? "\(path) is not there" : "using the token of 'login' in \(path)")
    return credential
  }

  static func variable(_ name: String) -> String? {
    ProcessEnvironment.all[name].flatMap { $0.isEmpty ? nil : $0 }
  }
}
