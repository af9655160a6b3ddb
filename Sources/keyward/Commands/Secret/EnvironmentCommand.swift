import ArgumentParser
import KeywardClient
import KeywardModel

struct EnvironmentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "environment",
    abstract: "Declare the environments that secrets have values in.",
    discussion: """
        keyward environment put base
        keyward environment put prod --inherits base --production
        keyward environment put prod-eu --inherits prod --production
        keyward environment list
      """,
    subcommands: [
      EnvironmentPut.self, EnvironmentListCommand.self, EnvironmentShow.self,
      EnvironmentDelete.self,
    ]
  )
}

struct EnvironmentPut: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "put",
    abstract: "Declare an environment, or change one.",
    discussion: """
      A production environment is never given by omission: a request gets it only by --env, or \
      because the caller's identity has it as its own attribute. What inherits from production is \
      production.
      """
  )

  @Argument(help: "The name, as prod-eu.")
  var name: String
  @Option(help: "The environment to look in for what this one does not have.")
  var inherits: String?
  @Flag(help: "Nobody gets it by omission.")
  var production = false
  @Option(help: "At most 256 bytes.")
  var description: String?
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let environment = try server.client().writeEnvironment(
      try WireText.environmentName(name),
      EnvironmentDocument(
        name: name,
        inherits: inherits,
        production: production,
        description: description
      )
    )
    try output.print(environment) { SecretWords.environments([environment]) }
  }
}

struct EnvironmentListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the environments that you may see."
  )

  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let list = try server.client().listEnvironments()
    try output.print(list.environments) { SecretWords.environments(list.environments) }
  }
}

struct EnvironmentShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show an environment."
  )

  @Argument(help: "The name, as prod-eu.")
  var name: String
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let environment = try server.client().environment(try WireText.environmentName(name))
    try output.print(environment) { SecretWords.environments([environment]) }
  }
}

struct EnvironmentDelete: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Delete an environment without secrets."
  )

  @Argument(help: "The name, as prod-eu.")
  var name: String
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let gone = try server.client().deleteEnvironment(try WireText.environmentName(name))
    try output.print(gone) { "The environment \(gone.name) is gone." }
  }
}
