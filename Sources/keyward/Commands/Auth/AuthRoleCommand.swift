import ArgumentParser
import KeywardClient
import KeywardModel

struct AuthRoleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "role",
    abstract: "Machine roles: a role id and secret ids for a system without an identity.",
    discussion: """
        keyward auth role put backup-host --network 10.0.0.0/8 --secret-id-uses 1
        keyward auth role secret-id backup-host --out secret-id
        keyward login --method role --role-id ROLE-ID --secret-id-file secret-id
      """,
    subcommands: [
      AuthRolePut.self, RegistryGet<RoleNoun>.self, RegistryList<RoleNoun>.self,
      RegistryDelete<RoleNoun>.self, AuthRoleSecretID.self, AuthRoleSecretIDs.self,
      AuthRoleRevokeSecretID.self,
    ]
  )
}

enum RoleNoun: RegistryNoun {
  static let kind = RegistryKind.roles
  static let word = "role"

  static func details(_ document: MachineRoleDocument) -> String {
    Table.pairs([
      ("Role", document.name),
      ("Role id", document.roleID),
      ("Environment", document.environment),
      ("Networks", document.networks.map { $0.joined(separator: ", ") }),
      ("Token TTL", document.tokenTTL.map(Seconds.text)),
      ("Token ends after", document.tokenMaximumTTL.map(Seconds.text)),
      ("Token uses", document.tokenUses.map(String.init)),
      ("Secret id TTL", document.secretIDTTL.map(Seconds.text)),
      ("Secret id uses", document.secretIDUses.map(String.init)),
    ])
  }
}

struct AuthRolePut: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Make a machine role, or replace its record.",
    aliases: ["write"]
  )

  @OptionGroup
  var record: RecordOptions
  @Option(help: "The environment of the identity.")
  var environment: String?
  @Option(help: "A network that logins may come from (may be given several times).")
  var network: [String] = []
  @Option(help: ArgumentHelp("How long a token lives unless renewed.", valueName: "time"))
  var tokenTTL: Seconds?
  @Option(help: ArgumentHelp("After what a token ends in any case.", valueName: "time"))
  var tokenMaximumTTL: Seconds?
  @Option(help: "How often a token can be used.")
  var tokenUses: Int64?
  @Option(
    name: .customLong("secret-id-ttl"),
    help: ArgumentHelp("How long a secret id lives.", valueName: "time")
  )
  var secretIDTTL: Seconds?
  @Option(name: .customLong("secret-id-uses"), help: "How often a secret id can be used.")
  var secretIDUses: Int64?
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    try record.check(
      hasOptions: environment != nil || !network.isEmpty || tokenTTL != nil
        || tokenMaximumTTL != nil || tokenUses != nil || secretIDTTL != nil || secretIDUses != nil
    )
    guard record.file != nil || record.name != nil else {
      throw ValidationError("Give a name, or a file with -f.")
    }
  }

  func run() throws {
    guard let file = record.file else {
      let document = MachineRoleDocument(
        environment: environment,
        networks: network.isEmpty ? nil : network,
        tokenTTL: tokenTTL?.value,
        tokenMaximumTTL: tokenMaximumTTL?.value,
        tokenUses: tokenUses,
        secretIDTTL: secretIDTTL?.value,
        secretIDUses: secretIDUses
      )
      return try RoleNoun.put(
        [RecordFile.Record(name: try record.named(), document: document)],
        server,
        output
      )
    }
    let records = try RecordFile.records(file, named: record.name?.name) {
      (file, node) throws(ConfigurationError) in try file.role(node)
    }
    try RoleNoun.put(records, server, output)
  }
}

struct AuthRoleSecretID: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "secret-id",
    abstract: "Make a secret id: shown this once, or written to a file of mode 0600."
  )

  @Argument(help: "The role.")
  var role: RegistryNameArgument
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
    try bytes.prepare()
    let issued: IssuedSecretID
    do {
      issued = try client.createSecretID(role.name, networks: network)
    } catch {
      bytes.discard()
      throw error
    }
    guard let path = bytes.path, path != "-" else {
      return try output.print(issued) {
        SecretIDText.details(issued.info, roleID: issued.roleID)
          + "\nSecret id   \(issued.secretID)"
      }
    }
    try bytes.write(Array((issued.secretID + "\n").utf8), asBase64: false)
    try output.print(issued.info) {
      SecretIDText.details(issued.info, roleID: issued.roleID) + "\nWritten to  \(path)"
    }
  }
}

struct AuthRoleSecretIDs: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "secret-ids",
    abstract: "List the secret ids of a role, without the secrets."
  )

  @Argument(help: "The role.")
  var role: RegistryNameArgument
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let page = try server.client().listSecretIDs(role.name)
    try output.print(page.secretIDs) {
      guard !page.secretIDs.isEmpty else { return "None." }
      var table = Table(["ACCESSOR", "CREATED", "EXPIRES", "USES LEFT", "NETWORKS"])
      for info in page.secretIDs {
        table.add([
          info.accessor, info.createdAt, info.expiresAt, info.usesLeft.map(String.init) ?? "any",
          info.networks.isEmpty ? "any" : info.networks.joined(separator: ","),
        ])
      }
      return table.text
    }
  }
}

struct AuthRoleRevokeSecretID: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke-secret-id",
    abstract: "End a secret id."
  )

  @Argument(help: "The role.")
  var role: RegistryNameArgument
  @Argument(help: ArgumentHelp("The accessor of the secret id.", valueName: "sid-…"))
  var accessor: AccessorArgument
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let info = try server.client()
      .revokeSecretID(role.name, accessor: accessor.accessor.description)
    try output.print(info) { "Revoked the secret id \(info.accessor)." }
  }
}

enum SecretIDText {
  static func details(_ info: SecretIDInfo, roleID: String) -> String {
    Table.pairs([
      ("Role", info.role),
      ("Role id", roleID),
      ("Accessor", info.accessor),
      ("Expires", info.expiresAt),
      ("Uses left", info.usesLeft.map(String.init)),
      ("Networks", info.networks.isEmpty ? nil : info.networks.joined(separator: ", ")),
    ])
  }
}
