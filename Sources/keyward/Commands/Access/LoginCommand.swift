import ArgumentParser
import KeywardClient
import KeywardCrypto
import KeywardModel
import KeywardSystem

extension LoginRequest.Method: ExpressibleByArgument {}

struct LoginCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "login",
    abstract: "Exchange a credential for a token, which later commands use.",
    discussion: """
        keyward login --method jwt --jwt-file /var/run/secrets/tokens/keyward
        keyward login --method certificate --client-cert me.pem --client-key me.key
        keyward login --method role --role-id ROLE-ID --secret-id-file secret-id

      The token goes to $KEYWARD_TOKEN_FILE, else ~/.config/keyward/token, mode 0600, and commands \
      over HTTPS use it: for this server alone, and with the authorities that were trusted. With --print it goes to standard output alone:

        KEYWARD_TOKEN=$(keyward login --method jwt --jwt-file - --print <<<"$ID_TOKEN")
      """
  )

  @Option(help: "jwt, certificate or role.")
  var method: LoginRequest.Method
  @Option(help: ArgumentHelp("The JWT, or - for standard input.", valueName: "file"))
  var jwtFile: String?
  @Option(help: "The id of the machine role; it is no secret.")
  var roleID: String?
  @Option(
    help: ArgumentHelp(
      "The secret id (mode 0600), or - for standard input.",
      valueName: "file"
    )
  )
  var secretIDFile: String?
  @Option(help: ArgumentHelp("Ask for a token of this life.", valueName: "time"))
  var ttl: Seconds?
  @Flag(name: .customLong("print"), help: "Print the token, and keep it nowhere.")
  var printsToken = false
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  /// What the command prints with `--output json`.
  private struct Report: Encodable {
    let info: TokenInfo
    let tokenFile: String

    enum CodingKeys: String, CodingKey {
      case info
      case tokenFile = "token_file"
    }
  }

  func validate() throws {
    guard (method == .jwt) == (jwtFile != nil) else {
      throw ValidationError("--method jwt and --jwt-file go together.")
    }
    guard (method == .role) == (roleID != nil), (roleID == nil) == (secretIDFile == nil) else {
      throw ValidationError("--method role, --role-id and --secret-id-file go together.")
    }
  }

  func run() throws {
    let issued = try server.client(.none).login(try shown(), ttl: ttl?.value)
    if printsToken {
      return try output.print(issued) { issued.token }
    }
    guard let credential = BearerCredential(issued.token) else {
      throw CommandFailure(.failed, "The server's token is none that this version can keep.")
    }
    let path = try TokenFile.write(KeptToken(credential, origin: server.origin()))
    try output.print(Report(info: issued.info, tokenFile: path)) {
      TokenText.details(issued.info) + "\nToken file" + "       " + Table.printable(path)
    }
  }

  private func shown() throws -> LoginCredential {
    // A projected token has the mode that the platform gives it.
    if let jwtFile {
      return .jwt(try LoginInput.text(SecretInput.data(jwtFile, limit: 1 << 16), of: jwtFile))
    }
    guard let roleID, let path = secretIDFile else { return .certificate }
    return .role(id: roleID, try LoginInput.secretID(path))
  }
}

/// The secrets of logins, as they come from files.
enum LoginInput {
  /// A secret id: a file that nobody else may read, or `-`.
  static func secretID(_ path: String) throws -> LoginCredential.Text {
    if path == "-" { return try text(SecretInput.secret(path, limit: 4096), of: path) }
    let file = SecretBox(try SecretFile.read(path, limit: 4096, followingLinks: true))
    return try text(file, of: path)
  }

  /// The one line of a secret that came from `origin`.
  static func text(_ secret: SecretBox, of origin: String) throws -> LoginCredential.Text {
    guard let text = LoginCredential.Text(try SecretInput.line(secret)) else {
      throw CommandFailure(
        .usage,
        "\(origin == "-" ? "Standard input" : origin) holds no credential: one line of text.",
        remedy: "Write the JWT or secret id into it, and nothing else."
      )
    }
    return text
  }
}

struct LogoutCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logout",
    abstract: "Revoke the token of 'login' at the server, and remove its file.",
    discussion: "A token of KEYWARD_TOKEN is revoked instead, if there is one."
  )

  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let client = try server.client(.kept)
    do {
      let token = try client.revokeOwnToken()
      Self.forget()
      try output.print(token) {
        "Revoked \(token.accessor) of \(PrincipalText.short(token.principal))."
      }
    } catch let error as ClientError where error.code == .unauthenticated {
      // It has ended already: what is left is to remove it here.
      Self.forget()
      throw error
    }
  }

  private static func forget() {
    if ProcessEnvironment.all["KEYWARD_TOKEN", default: ""].isEmpty { TokenFile.remove() }
  }
}

struct WhoAmICommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "whoami",
    abstract: "Show who the server takes you for, with what attributes and by which token."
  )

  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let own = try server.client().whoAmI()
    try output.print(own) {
      Table.pairs(
        PrincipalText.pairs(own.principal)
          + [("Over", own.transport), ("From", own.address)]
          + (own.token.map(TokenText.pairs) ?? [])
      )
    }
  }
}
