import ArgumentParser
import KeywardClient
import KeywardModel

struct AuthTokenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token",
    abstract: "Access tokens: make, look at, renew and revoke them.",
    discussion: """
        keyward auth token create --name ci --ttl 1h --network 10.0.0.0/8 --out ci.token
        keyward auth token revoke acc-…

      Policy binds a token with a name by issuer 'tokens' and that name. Without a name it stands \
      for its maker and can do what the maker can.
      """,
    subcommands: [
      AuthTokenCreate.self, AuthTokenList.self, AuthTokenShow.self, AuthTokenRenew.self,
      AuthTokenRevoke.self,
    ]
  )
}

struct AuthTokenCreate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Make a token: shown this once, or written to a file of mode 0600."
  )

  @Option(help: "The name of its identity; without, it stands for its maker.")
  var name: String?
  @Option(help: "The environment of its identity.")
  var environment: String?
  @Option(help: ArgumentHelp("How long it lives unless renewed.", valueName: "time"))
  var ttl: Seconds?
  @Option(help: ArgumentHelp("After what it ends in any case.", valueName: "time"))
  var maximumTTL: Seconds?
  @Option(help: "How often it can be used.")
  var uses: Int64?
  @Flag(help: "It cannot be renewed.")
  var notRenewable = false
  @Option(help: "A network that it may be used from (may be given several times).")
  var network: [String] = []
  @OptionGroup
  var bytes: ByteOutput
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let client = try server.client()
    let request = TokenRequest(
      name: name,
      environment: environment,
      ttl: ttl?.value,
      maximumTTL: maximumTTL?.value,
      uses: uses,
      renewable: notRenewable ? false : nil,
      networks: network.isEmpty ? nil : network
    )
    try bytes.prepare()
    let issued: IssuedToken
    do {
      issued = try client.createToken(request)
    } catch {
      bytes.discard()
      throw error
    }
    guard let path = bytes.path, path != "-" else {
      return try output.print(issued) {
        TokenText.details(issued.info) + "\n\nToken, shown this once:\n\(issued.token)"
      }
    }
    try bytes.write(Array((issued.token + "\n").utf8), asBase64: false)
    try output.print(issued.info) { TokenText.details(issued.info) + "\n\nWritten to \(path)." }
  }
}

struct AuthTokenList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List tokens by accessor."
  )

  @Option(help: "At most so many.")
  var limit = 10_000
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    guard (1...1_000_000).contains(limit) else {
      throw ValidationError("--limit must be within 1 and 1000000.")
    }
  }

  func run() throws {
    let client = try server.client()
    var tokens: [TokenInfo] = []
    var cursor: String?
    repeat {
      let page = try client.listTokens(limit: min(1000, limit - tokens.count), cursor: cursor)
      tokens += page.tokens
      cursor = page.nextCursor
    } while cursor != nil && tokens.count < limit
    try output.print(tokens) { TokenText.list(tokens) }
  }
}

struct AuthTokenShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show what there is to know of a token, but for the token."
  )

  @Argument(help: ArgumentHelp("Its accessor.", valueName: "acc-…"))
  var accessor: AccessorArgument
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let token = try server.client().showToken(accessor.accessor)
    try output.print(token) { TokenText.details(token) }
  }
}

struct AuthTokenRenew: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "renew",
    abstract: "Give a token more time; without an accessor, one's own."
  )

  @Argument(help: ArgumentHelp("Its accessor.", valueName: "acc-…"))
  var accessor: AccessorArgument?
  @Option(help: ArgumentHelp("How much more. (default: its TTL)", valueName: "time"))
  var increment: Seconds?
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let token: TokenInfo
    if let accessor {
      token = try server.client()
        .renewToken(accessor.accessor, increment: increment?.value)
    } else {
      token = try server.client(.kept).renewOwnToken(increment: increment?.value)
    }
    try output.print(token) { TokenText.details(token) }
  }
}

struct AuthTokenRevoke: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke",
    abstract: "End a token at once; 'keyward logout' ends one's own."
  )

  @Argument(help: ArgumentHelp("Its accessor.", valueName: "acc-…"))
  var accessor: AccessorArgument
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let token = try server.client().revokeToken(accessor.accessor)
    try output.print(token) {
      "Revoked \(token.accessor) of \(PrincipalText.short(token.principal))."
    }
  }
}
