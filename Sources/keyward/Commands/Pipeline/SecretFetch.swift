import ArgumentParser
import KeywardClient
import KeywardCrypto
import KeywardModel
import KeywardPipeline

/// How secrets are fetched: by whom, for which environment, or only planned.
struct SecretFetch: ParsableArguments {
  @Option(
    name: .customLong("env"),
    help: ArgumentHelp(
      "The environment to look in, where policy allows it. (default: $KEYWARD_ENV, else that of "
        + "the identity)",
      valueName: "environment"
    )
  )
  var environment: String?

  @Flag(
    name: .customLong("plan"),
    help: "Say what would be fetched, and whether policy allows it. No value leaves the server."
  )
  var isPlan = false

  @OptionGroup
  var server: ServerOptions

  /// Asks for all references in a session of its own.
  func answer(
    _ references: [String]
  ) throws -> (
    head: FetchSecretsHead, values: [SecretBox]
  ) {
    try server.session { client in try request(references, of: client) }
  }

  /// Asks for all references in one round trip.
  func request(
    _ references: [String],
    of client: KeywardClient
  ) throws -> (
    head: FetchSecretsHead, values: [SecretBox]
  ) {
    let standard = ProcessEnvironment.all["KEYWARD_ENV"].flatMap { $0.isEmpty ? nil : $0 }
    return try client.fetchSecrets(
      FetchSecretsRequest(
        references: references,
        environment: environment ?? standard,
        plan: isPlan ? true : nil
      )
    )
  }

  /// The values of a fetch, or the failure that says what is wanted where and which rule is missing.
  static func values(
    _ answer: (head: FetchSecretsHead, values: [SecretBox]),
    wanted: [String: [String]]
  ) throws -> FetchedSecrets {
    let plan = SecretPlan(answer.head, wanted: wanted)
    guard plan.isComplete else { throw refusal(plan) }
    return try FetchedSecrets(head: answer.head, values: answer.values)
  }

  /// What is refused, of a plan or a fetch.
  static func refusal(_ plan: SecretPlan) -> CommandFailure {
    let isRefused = plan.refused.contains {
      $0.outcome == .forbidden || $0.outcome == .approvalRequired
    }
    return CommandFailure(
      isRefused ? .refused : .notFound,
      "Not all secrets can be had for \(plan.environmentWords):\n\(plan.refusalWords)"
    )
  }

  /// The table of a plan.
  static func text(_ plan: SecretPlan) -> String {
    var table = Table(["REFERENCE", "FOR", "OUTCOME", "FOUND IN", "VERSION", "RULE"])
    for line in plan.lines {
      table.add([
        line.reference, line.wantedBy.joined(separator: ", "), line.outcome.rawValue,
        line.foundIn ?? "-", line.version.map(String.init) ?? "-", line.rule,
      ])
    }
    return "Environment  \(Table.printable(plan.environmentWords))\n\n\(table.text)"
  }
}
