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

  func validate() throws {
    guard server.approval == nil else {
      throw ValidationError(
        "A fetch of several values carries no approval: read a value that takes one with "
          + "'keyward secret get NAME --field FIELD --approval ID'."
      )
    }
  }

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
    let guarded = plan.refused.filter { $0.outcome == .approvalRequired }
    return CommandFailure(
      isRefused ? .refused : .notFound,
      "Not all secrets can be had for \(plan.environmentWords):\n\(plan.refusalWords)",
      remedy: guarded.isEmpty ? nil : approvalWords(plan.environment, guarded)
    )
  }

  /// How each value that takes approval can be had: alone, since people approve of one request.
  private static func approvalWords(_ environment: String, _ lines: [SecretPlan.Line]) -> String {
    var seen: Set<String> = []
    let commands = lines.compactMap { line -> String? in
      guard let reference = try? SecretReference(line.reference, form: .fieldOrWhole),
        seen.insert(line.reference).inserted
      else { return nil }
      let version = reference.version.map { " --version \($0)" } ?? ""
      let field = reference.field.map { " --field \($0)" } ?? ""
      return "  keyward secret get \(reference.secret)\(field)\(version) --env \(environment)"
    }
    return "A value that takes approval is read alone, first to ask and then with --approval ID:\n"
      + commands.joined(separator: "\n")
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
