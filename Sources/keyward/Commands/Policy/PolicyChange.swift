import ArgumentParser
import KeywardClient
import KeywardModel
import KeywardPolicy

/// A change of the policy as people make one: the plan, the question, the deed.
struct PolicyChange {
  let files: [PolicyFile]
  let prunes: Bool
  let expectedRevision: UInt64?

  /// Shows the plan, asks unless `isSure`, and carries out just what was shown.
  func run(
    _ client: KeywardClient,
    _ output: OutputOptions,
    isDryRun: Bool,
    isSure: Bool
  ) throws {
    let plan = try client.applyPolicy(request(expecting: expectedRevision, isDryRun: true))
    let isTable = output.format == .table
    guard !isDryRun, !plan.changes.isEmpty else {
      return try output.print(plan) { PolicyPlanText.plan(plan) }
    }
    if isTable { StandardStream.output(PolicyPlanText.plan(plan) + "\n") }
    if !isSure {
      if !isTable { StandardStream.error(PolicyPlanText.plan(plan) + "\n\n") }
      guard try Prompt.confirms("Apply this?", orGive: "--yes") else {
        throw CommandFailure(.failed, "Nothing was changed.")
      }
    }
    // A revision that came in between is refused: what was shown is what is done. An approval too
    // is of this request with this revision.
    let done = try client.applyPolicy(request(expecting: plan.base, isDryRun: false))
    try output.print(done) {
      "Applied: the policy is at revision \(done.revision ?? done.base)."
    }
  }

  private func request(expecting revision: UInt64?, isDryRun: Bool) -> PolicyApplyRequest {
    PolicyApplyRequest(
      files: files,
      prune: prunes ? true : nil,
      dryRun: isDryRun ? true : nil,
      expectedRevision: revision
    )
  }
}

/// Plans in the form for people.
enum PolicyPlanText {
  static func plan(_ plan: PolicyPlan) -> String {
    guard !plan.changes.isEmpty else {
      return (["Nothing to change at revision \(plan.base)."] + warnings(plan)).joined(
        separator: "\n"
      )
    }
    var lines = ["Changes of revision \(plan.base):"]
    for change in plan.changes {
      let sign =
        switch change.action {
        case "create": "+"
        case "delete": "-"
        default: "~"
        }
      lines.append(Table.printable("  \(sign) \(change.action) \(change.kind) \(change.name)"))
    }
    lines += access("Access gained:", plan.gained) + access("Access lost:", plan.lost)
    if !plan.isExact {
      lines.append("The access that changes could not be computed in full: look closely.")
    } else if plan.gained.isEmpty, plan.lost.isEmpty {
      lines.append("No access is gained or lost.")
    }
    return (lines + warnings(plan)).joined(separator: "\n")
  }

  private static func access(_ heading: String, _ list: [PolicyPlan.Access]) -> [String] {
    guard !list.isEmpty else { return [] }
    return [heading]
      + list.flatMap { access in
        [
          "  \(Table.printable(access.summary))",
          "    for example: \(Table.printable(access.example))",
        ]
      }
  }

  private static func warnings(_ plan: PolicyPlan) -> [String] {
    plan.warnings.map { "warning: " + Table.printable($0) }
  }
}

struct PolicyApply: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply",
    abstract: "Create and change documents; the plan first, then all of it or nothing.",
    discussion: """
        keyward policy apply -f policy/ --dry-run
        keyward policy apply -f policy/ --prune --yes          # in a pipeline
        keyward policy apply -f role.yaml -f binding.yaml --expect-revision 12

      Needs policy:read for the plan and policy:apply for the deed. Without a terminal to ask on, \
      --yes must be given.
      """
  )

  @Option(
    name: [.customShort("f"), .long],
    help: ArgumentHelp(
      "A file, a folder, or - (may be given several times).",
      valueName: "path"
    )
  )
  var file: [String]
  @Flag(help: "Delete every document that is not in the files.")
  var prune = false
  @Flag(help: "Show the plan and change nothing.")
  var dryRun = false
  @Flag(name: .shortAndLong, help: "Do not ask.")
  var yes = false
  @Option(help: "Refuse if the policy is at another revision by now.")
  var expectRevision: UInt64?
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    try PolicyChange(
      files: try PolicyFiles.read(file),
      prunes: prune,
      expectedRevision: expectRevision
    )
    .run(try server.client(), output, isDryRun: dryRun, isSure: yes)
  }
}

struct PolicyDelete: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Delete one document; the plan first.",
    discussion: "  keyward policy delete Binding kube-apiservers"
  )

  @Argument(help: "Role, Binding or ApprovalRule.")
  var kind: PolicyKindArgument
  @Argument(help: "Its name.")
  var name: String
  @Flag(help: "Show the plan and change nothing.")
  var dryRun = false
  @Flag(name: .shortAndLong, help: "Do not ask.")
  var yes = false
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let client = try server.client()
    let policy = try client.policy()
    let rest = policy.documents.filter { !kind.isOf($0) || $0.name != name }
    guard rest.count < policy.documents.count else {
      throw CommandFailure(
        .notFound,
        "The policy has no \(kind.kind.rawValue) '\(Table.printable(name))'.",
        remedy: "List them with: keyward policy list."
      )
    }
    let file = PolicyFile(name: "policy", text: rest.map(\.text).joined(separator: "---\n"))
    try PolicyChange(
      files: rest.isEmpty ? [] : [file],
      prunes: true,
      expectedRevision: policy.revision.revision
    )
    .run(client, output, isDryRun: dryRun, isSure: yes)
  }
}
