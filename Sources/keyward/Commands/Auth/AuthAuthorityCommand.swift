import ArgumentParser
import KeywardModel

struct AuthAuthorityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "authority",
    abstract: "Certificate authorities that belong to no cluster.",
    discussion: """
        keyward auth authority put hosts --ca-file ca.pem --identity dns-san \\
          --names '*.hosts.example.org' --crl-file ca.crl
        keyward auth authority put -f pins.yaml
      """,
    subcommands: [
      AuthAuthorityPut.self, RegistryGet<AuthorityNoun>.self, RegistryList<AuthorityNoun>.self,
      RegistryDelete<AuthorityNoun>.self,
    ]
  )
}

enum AuthorityNoun: RegistryNoun {
  static let kind = RegistryKind.authorities
  static let word = "authority"

  static func details(_ document: AuthorityDocument) -> String {
    Table.pairs(
      [
        ("Authority", document.name),
        ("Identity", document.identity),
        ("Trust domain", document.trustDomain),
        ("Names", document.names.map { $0.joined(separator: ", ") }),
        ("Environment", document.environment),
        ("Certificates", "\(PEM.certificates(document.certificates).count)"),
        ("Revocation", document.revocationLists.map { "lists of \($0.utf8.count) bytes" }),
      ] + (document.pins ?? []).map { ("Pin", "\($0.name) \($0.spkiSHA256)") }
    )
  }
}

/// An authority by options; pins are for files.
struct AuthorityOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "PEM of the authority's certificate (may be given several times).",
      valueName: "file"
    )
  )
  var caFile: [String] = []
  @Option(
    help: ArgumentHelp("PEM of a revocation list (may be given several times).", valueName: "file")
  )
  var crlFile: [String] = []
  @Option(help: "Where a name comes from: uri-san, dns-san or pinned. (default: dns-san)")
  var identity: String?
  @Option(help: "The SPIFFE trust domain that every URI must be in.")
  var trustDomain: String?
  @Option(help: "A pattern of the names that it may give (may be given several times).")
  var names: [String] = []

  var isGiven: Bool {
    !caFile.isEmpty || !crlFile.isEmpty || identity != nil || trustDomain != nil || !names.isEmpty
  }

  func validate() throws {
    guard !caFile.isEmpty || !isGiven else {
      throw ValidationError("--crl-file, --identity, --trust-domain and --names go with --ca-file.")
    }
  }

  func document(named name: String? = nil) throws -> AuthorityDocument {
    AuthorityDocument(
      name: name,
      certificates: try Self.joined(caFile),
      revocationLists: crlFile.isEmpty ? nil : try Self.joined(crlFile),
      identity: identity ?? "dns-san",
      trustDomain: trustDomain,
      names: names.isEmpty ? nil : names
    )
  }

  private static func joined(_ paths: [String]) throws -> String {
    try paths.map { try TextFile.read($0) }.joined(separator: "\n")
  }
}

struct AuthAuthorityPut: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Register an authority, or replace its record.",
    discussion: """
      Pinned keys are for a file; certificate_file takes the key of a certificate:

        name: hosts
        identity: pinned
        certificates_file: ca.pem
        pins:
          - {name: backup-host, certificate_file: backup-host.pem}
      """,
    aliases: ["write"]
  )

  @OptionGroup
  var record: RecordOptions
  @OptionGroup
  var authority: AuthorityOptions
  @Option(help: "The environment of its identities.")
  var environment: String?
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    try record.check(hasOptions: authority.isGiven || environment != nil)
    guard record.file != nil || !authority.caFile.isEmpty else {
      throw ValidationError("Give --ca-file, or a file with -f.")
    }
  }

  func run() throws {
    guard let file = record.file else {
      var document = try authority.document()
      document.environment = environment
      return try AuthorityNoun.put(
        [RecordFile.Record(name: try record.named(), document: document)],
        server,
        output
      )
    }
    let records = try RecordFile.records(file, named: record.name?.name) {
      (file, node) throws(ConfigurationError) in try file.authority(node)
    }
    try AuthorityNoun.put(records, server, output)
  }
}
