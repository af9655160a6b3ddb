import ArgumentParser
import KeywardClient
import KeywardModel

struct DestinationCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "destination",
    abstract: "Where keys can be exported to.",
    discussion: """
        keyward destination put aws-prod --provider aws --region eu-west-1 --account 111122223333
        keyward destination put bao --provider openbao --endpoint https://bao.example:8200

      A destination holds no secret: its credentials are the server's own, in the environment or a \
      file of the server, named by --credentials. A key's allowed_destinations name destinations.
      """,
    subcommands: [
      DestinationPut.self, DestinationList.self, DestinationShow.self, DestinationDelete.self,
    ]
  )
}

struct DestinationPut: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Make a destination, or replace it.",
    aliases: ["write"]
  )

  @Argument(help: "Its name.")
  var name: RegistryNameArgument
  @Option(
    help: """
      aws, azure, azure-managed-hsm, google, openbao, vault, oci, ibm-key-protect, ibm-hpcs, alibaba \
      or tencent.
      """
  )
  var provider: String
  @Option(help: "For people.")
  var description: String?
  @Option(help: "AWS: the account that keys must be in.")
  var account: String?
  @Option(help: "AWS, OCI, IBM, Alibaba, Tencent.")
  var region: String?
  @Option(help: "Google.")
  var project: String?
  @Option(help: "Google.")
  var location: String?
  @Option(help: "Google.")
  var keyRing: String?
  @Option(help: "software or hsm.")
  var protection: String?
  @Option(help: "Azure.")
  var tenant: String?
  @Option(help: "Azure: the name of the vault or pool.")
  var vault: String?
  @Option(help: "Azure: the name of the key that wraps what is imported.")
  var kek: String?
  @Option(help: "OCI.")
  var compartment: String?
  @Option(help: "IBM.")
  var instance: String?
  @Option(help: "OpenBao, Vault, OCI, IBM: https://host[:port].")
  var endpoint: String?
  @Option(help: "OpenBao, Vault: the mount of transit.")
  var mount: String?
  @Option(help: "OpenBao, Vault.")
  var namespace: String?
  @Option(
    help: ArgumentHelp("PEM of the authorities to trust at the endpoint.", valueName: "file")
  )
  var authoritiesFile: String?
  @Option(help: "environment, profile:NAME or file:NAME, of the server's process.")
  var credentials: String?
  @Option(help: "An algorithm that may wrap (may be given several times; default: all).")
  var wrappingAlgorithm: [String] = []
  @Option(help: "The smallest wrapping key in bits. (default: 3072)")
  var minimumRSABits: Int?
  @Option(help: "SHA-256 of a trusted wrapping key (may be given several times).")
  var pinnedKey: [String] = []
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    var document = DestinationDocument(name: name.name.description, provider: provider)
    document.description = description
    document.account = account
    document.region = region
    document.project = project
    document.location = location
    document.keyRing = keyRing
    document.protection = protection
    document.tenant = tenant
    document.vault = vault
    document.kek = kek
    document.compartment = compartment
    document.instance = instance
    document.endpoint = endpoint
    document.mount = mount
    document.namespace = namespace
    document.authorities = try authoritiesFile.map { try TextFile.read($0, limit: 1 << 16) }
    document.credentials = credentials
    document.wrappingAlgorithms = wrappingAlgorithm.isEmpty ? nil : wrappingAlgorithm
    document.minimumRSABits = minimumRSABits
    document.pinnedKeys = pinnedKey.isEmpty ? nil : pinnedKey
    let written = try server.client().writeDestination(name.name, document)
    try output.print(written) { DestinationText.details(written) }
  }
}

struct DestinationList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List all destinations."
  )

  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let client = try server.client()
    var all: [DestinationDocument] = []
    var cursor: String?
    repeat {
      let page = try client.listDestinations(limit: 1000, cursor: cursor)
      all += page.destinations
      cursor = page.nextCursor
    } while cursor != nil
    try output.print(all) { DestinationText.list(all) }
  }
}

struct DestinationShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show one."
  )

  @Argument(help: "Its name.")
  var name: RegistryNameArgument
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let document = try server.client().destination(name.name)
    try output.print(document) { DestinationText.details(document) }
  }
}

struct DestinationDelete: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Remove one; not while copies are there."
  )

  @Argument(help: "Its name.")
  var name: RegistryNameArgument
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    _ = try server.client().deleteDestination(name.name)
    try output.print(["deleted": name.name.description]) {
      "Deleted the destination \(name.name)."
    }
  }
}

/// Destinations in the form for people.
enum DestinationText {
  static func details(_ document: DestinationDocument) -> String {
    Table.pairs([
      ("Destination", document.name),
      ("Provider", document.provider),
      ("Description", document.description),
      ("Account", document.account),
      ("Region", document.region),
      ("Project", document.project),
      ("Location", document.location),
      ("Key ring", document.keyRing),
      ("Protection", document.protection),
      ("Tenant", document.tenant),
      ("Vault", document.vault),
      ("KEK", document.kek),
      ("Compartment", document.compartment),
      ("Instance", document.instance),
      ("Endpoint", document.endpoint),
      ("Mount", document.mount),
      ("Namespace", document.namespace),
      ("Authorities", document.authorities == nil ? nil : "of its own"),
      ("Credentials", document.credentials ?? "environment"),
      ("May wrap", document.wrappingAlgorithms?.joined(separator: ", ") ?? "all that is allowed"),
      ("Wrapping keys from", document.minimumRSABits.map { "\($0) bits" }),
      ("Pinned keys", document.pinnedKeys?.joined(separator: ", ")),
    ])
  }

  static func list(_ documents: [DestinationDocument]) -> String {
    guard !documents.isEmpty else { return "No destinations." }
    var table = Table(["NAME", "PROVIDER", "WHERE", "CREDENTIALS"])
    for document in documents {
      let place = [
        document.account, document.region, document.project, document.location, document.keyRing,
        document.vault, document.endpoint, document.mount, document.instance,
      ].compactMap { $0 }.joined(separator: " ")
      table.add([
        document.name ?? "", document.provider, place, document.credentials ?? "environment",
      ])
    }
    return table.text
  }
}
