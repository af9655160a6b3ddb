import ArgumentParser
import KeywardModel

struct AuthIssuerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "issuer",
    abstract: "Issuers of JWTs that belong to no cluster: pipelines, people, SPIFFE.",
    discussion: """
        keyward auth issuer put github --preset github --discovery \\
          --url https://token.actions.githubusercontent.com --audience keyward
        keyward auth issuer get github
      """,
    subcommands: [
      AuthIssuerPut.self, RegistryGet<IssuerNoun>.self, RegistryList<IssuerNoun>.self,
      RegistryDelete<IssuerNoun>.self,
    ]
  )
}

enum IssuerNoun: RegistryNoun {
  static let kind = RegistryKind.issuers
  static let word = "issuer"

  static func details(_ document: IssuerDocument) -> String {
    let keys =
      document.keySetURL
      ?? (document.discovery == true
        ? "discovery"
        : document.keySet.map {
          "pinned, \($0.utf8.count) bytes"
        })
    return Table.pairs([
      ("Issuer", document.name),
      ("Preset", document.preset),
      ("URL", document.url),
      ("Audiences", document.audiences.joined(separator: ", ")),
      ("Keys", keys),
      ("Environment", document.environment),
      ("Claims", document.claims.map { $0.joined(separator: ", ") }),
      ("Trust domain", document.trustDomain),
      ("Longest life", document.maximumLifetime.map(Seconds.text)),
      ("Single use", document.singleUse.map { $0 ? "yes" : "no" }),
    ])
  }
}

/// Where the keys of an issuer come from.
struct KeySetOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Its keys: a JSON Web Key Set.", valueName: "file"))
  var jwksFile: String?
  @Option(help: "An https URL of its key set.")
  var jwksURL: String?
  @Flag(help: "Ask the issuer itself where its key set is.")
  var discovery = false

  var isGiven: Bool { jwksFile != nil || jwksURL != nil || discovery }

  func validate() throws {
    guard [jwksFile != nil, jwksURL != nil, discovery].count(where: { $0 }) <= 1 else {
      throw ValidationError("Give one of --jwks-file, --jwks-url and --discovery.")
    }
  }

  func apply(to document: inout IssuerDocument) throws {
    guard isGiven else {
      throw CommandFailure(
        .usage,
        "The issuer has no keys.",
        remedy: "Give one of --jwks-file, --jwks-url and --discovery."
      )
    }
    document.keySet = try jwksFile.map { try TextFile.read($0) }
    document.keySetURL = jwksURL
    document.discovery = discovery ? true : nil
  }
}

struct AuthIssuerPut: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Register an issuer, or replace its record.",
    discussion: """
        keyward auth issuer put gitlab --preset gitlab --url https://gitlab.example.org \\
          --audience https://keyward.example.org --discovery
        keyward auth issuer put -f issuers.yaml

      Presets: github, gitlab, azure-pipelines, jenkins, kubernetes, spiffe, oidc.
      """,
    aliases: ["write"]
  )

  @OptionGroup
  var record: RecordOptions
  @Option(help: "Which claims say who it is.")
  var preset: String?
  @Option(help: "Exactly the iss of its tokens.")
  var url: String?
  @Option(help: "An audience of its tokens (may be given several times).")
  var audience: [String] = []
  @OptionGroup
  var keys: KeySetOptions
  @Option(help: "The environment of all its identities.")
  var environment: String?
  @Option(help: "A claim to take over besides the preset's (may be given several times).")
  var claim: [String] = []
  @Option(help: "The trust domain of a SPIFFE issuer.")
  var trustDomain: String?
  @Option(help: ArgumentHelp("The longest time from iat to exp. (default: 1d)", valueName: "time"))
  var maximumLifetime: Seconds?
  @Flag(help: "Take each token once.")
  var singleUse = false
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    try record.check(
      hasOptions: preset != nil || url != nil || !audience.isEmpty || keys.isGiven
        || environment != nil || !claim.isEmpty || trustDomain != nil || maximumLifetime != nil
        || singleUse
    )
    guard record.file != nil || (preset != nil && url != nil && !audience.isEmpty) else {
      throw ValidationError("Give --preset, --url and --audience, or a file with -f.")
    }
  }

  func run() throws {
    guard let file = record.file else {
      var document = IssuerDocument(
        preset: preset ?? "",
        url: url ?? "",
        audiences: audience,
        environment: environment,
        claims: claim.isEmpty ? nil : claim,
        trustDomain: trustDomain,
        maximumLifetime: maximumLifetime?.value,
        singleUse: singleUse ? true : nil
      )
      try keys.apply(to: &document)
      return try IssuerNoun.put(
        [RecordFile.Record(name: try record.named(), document: document)],
        server,
        output
      )
    }
    let records = try RecordFile.records(file, named: record.name?.name) {
      (file, node) throws(ConfigurationError) in try file.issuer(node)
    }
    try IssuerNoun.put(records, server, output)
  }
}
