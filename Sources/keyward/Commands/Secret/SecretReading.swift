import ArgumentParser
import KeywardClient
import KeywardModel

struct SecretList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List and search secrets that you may see."
  )

  @OptionGroup
  var environment: EnvironmentOption
  @Option(help: "Only of this project.")
  var project: String?
  @Option(help: "Only names that hold this text.")
  var search: String?
  @Flag(help: "Also secrets of which only the history is left.")
  var gone = false
  @Option(help: "At most so many secrets.")
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
    var secrets: [SecretInfo] = []
    var cursor: String?
    repeat {
      let page = try client.listSecrets(
        environment: environment.requested,
        project: project,
        search: search,
        limit: min(1000, limit - secrets.count),
        cursor: cursor,
        includingGone: gone
      )
      secrets += page.secrets
      cursor = page.nextCursor
    } while cursor != nil && secrets.count < limit
    try output.print(secrets) { SecretWords.list(secrets) }
  }
}

struct SecretShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show a secret without its values."
  )

  @Argument(help: "The name, as payments/db.")
  var name: SecretNameArgument
  @OptionGroup
  var environment: EnvironmentOption
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let secret = try server.client().showSecret(
      try name.name,
      environment: environment.requested
    )
    try output.print(secret) { SecretWords.details(secret) }
  }
}

struct SecretHistory: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "List the versions of a secret: who wrote them, and who read them last."
  )

  @Argument(help: "The name, as payments/db.")
  var name: SecretNameArgument
  @OptionGroup
  var environment: EnvironmentOption
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let secret = try server.client().showSecret(
      try name.name,
      environment: environment.requested
    )
    try output.print(secret.versions) { SecretWords.history(secret.versions) }
  }
}

struct SecretDiff: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compare the names and fields of two environments, never values.",
    discussion: """
      Inherited secrets count as there. Ends with status 7 if something of --from is missing in --to.
      """
  )

  @Option(help: "The environment that has everything.")
  var from: String
  @Option(help: "The environment that is looked at.")
  var to: String
  @Option(help: "Only of this project.")
  var project: String?
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let difference = try server.client().compareSecrets(
      from: try WireText.environmentName(from),
      to: try WireText.environmentName(to),
      project: project
    )
    try output.print(difference) { SecretWords.difference(difference) }
    if difference.differences.contains(where: { $0.to == nil || !$0.missingFields.isEmpty }) {
      throw ExitCode(ExitStatus.verificationFailed.rawValue)
    }
  }
}

struct SecretReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "List secrets that nobody reads, and secrets that are old."
  )

  @OptionGroup
  var environment: EnvironmentOption
  @Option(help: "Unused is what nobody read for so long. (default: 90d)")
  var unusedFor: Seconds?
  @Option(help: "Stale is what was not written for so long. (default: 365d)")
  var olderThan: Seconds?
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let report = try server.client().reportSecrets(
      environment: environment.requested,
      unusedFor: unusedFor?.value,
      olderThan: olderThan?.value
    )
    try output.print(report.lines) { SecretWords.report(report.lines) }
  }
}
