import ArgumentParser
import KeywardClient
import KeywardModel

struct SecretRollback: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollback",
    abstract: "Make an older value the newest version."
  )

  @Argument(help: "The name, as payments/db.")
  var name: SecretNameArgument
  @OptionGroup
  var environment: EnvironmentOption
  @Option(help: "The version whose value is wanted back.")
  var to: Int
  @Option(help: "Only if this is the latest version.")
  var ifVersion: Int?
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let written = try server.client().rollbackSecret(
      try name.name,
      SecretVersionsRequest(
        environment: environment.requested,
        versions: [to],
        expectedVersion: ifVersion
      )
    )
    try output.print(written) { SecretWords.written(written) }
  }
}

struct SecretPromote: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "promote",
    abstract: "Copy a secret to another environment; the values stay on the server.",
    discussion: "It takes secret:read in --from and secret:write in --to."
  )

  @Argument(help: "The name, as payments/db.")
  var name: SecretNameArgument
  @Option(help: "The environment that has it.")
  var from: String
  @Option(help: "The environment that gets it.")
  var to: String
  @Option(help: "The version of --from, instead of the newest.")
  var version: Int?
  @Option(help: "Only if this is the latest version in --to; 0 for none.")
  var ifVersion: Int?
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let written = try server.client().promoteSecret(
      try name.name,
      PromoteSecretRequest(from: from, to: to, version: version, expectedVersion: ifVersion)
    )
    try output.print(written) { SecretWords.written(written) }
  }
}

/// Which versions of which secret a change is about.
struct SecretVersionOptions: ParsableArguments {
  @Argument(help: "The name, as payments/db.")
  var name: SecretNameArgument
  @OptionGroup
  var environment: EnvironmentOption
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("The versions, instead of the newest.", valueName: "number")
  )
  var versions: [Int] = []
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func request(all: Bool = false) -> SecretVersionsRequest {
    SecretVersionsRequest(
      environment: environment.requested,
      versions: versions.isEmpty ? nil : versions,
      all: all ? true : nil
    )
  }

  func show(_ secret: SecretInfo) throws {
    try output.print(secret) { SecretWords.details(secret) }
  }
}

struct SecretDelete: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Delete versions; 'undelete' brings them back."
  )

  @OptionGroup
  var options: SecretVersionOptions

  func run() throws {
    let client = try options.server.client()
    try options.show(try client.deleteSecret(try options.name.name, options.request()))
  }
}

struct SecretUndelete: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "undelete",
    abstract: "Take the deletion of versions back."
  )

  @OptionGroup
  var options: SecretVersionOptions

  func run() throws {
    let client = try options.server.client()
    try options.show(try client.undeleteSecret(try options.name.name, options.request()))
  }
}

struct SecretDestroy: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "destroy",
    abstract: "Destroy the values of versions for good; the history stays.",
    discussion: """
      With --all nothing of the secret is left in the environment but its history, and a lookup \
      finds what the environment inherits.
      """
  )

  @OptionGroup
  var options: SecretVersionOptions
  @Flag(help: "All versions.")
  var all = false

  func validate() throws {
    guard all != !options.versions.isEmpty else {
      throw ValidationError("Name the --versions to destroy, or give --all.")
    }
  }

  func run() throws {
    let client = try options.server.client()
    try options.show(
      try client.destroySecret(try options.name.name, options.request(all: all))
    )
  }
}
