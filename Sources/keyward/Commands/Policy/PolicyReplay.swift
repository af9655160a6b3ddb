import ArgumentParser
import KeywardAudit
import KeywardClient
import KeywardModel
import KeywardPolicy

struct PolicySimulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Replay the audit log against a proposed policy: which decisions would change.",
    discussion: """
        keyward policy simulate -f policy/ --since 30d
        keyward policy simulate -f policy/ --export audit.log --exit-code

      Each request is decided at the time and from the address that it had. Requests whose texts \
      were too long for the log, and what no policy decided, are left out and counted.
      """
  )

  @Option(
    name: [.customShort("f"), .long],
    help: ArgumentHelp("The proposed policy: a file, a folder, or -.", valueName: "path")
  )
  var file: [String]
  @OptionGroup
  var log: ReplayOptions
  @Flag(help: "Exit status 7 if a decision changes.")
  var exitCode = false
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  private struct Report: Encodable {
    struct Change: Encodable {
      /// How often it was asked.
      let count: Int
      /// The first entry with it.
      let index: UInt64
      let request: RequestReport
      let allowedBefore: Bool
      let ruleBefore: String?
      let allowedAfter: Bool
      let ruleAfter: String

      enum CodingKeys: String, CodingKey {
        case count
        case index
        case request
        case allowedBefore = "allowed_before"
        case ruleBefore = "rule_before"
        case allowedAfter = "allowed_after"
        case ruleAfter = "rule_after"
      }
    }

    let entries: Int
    let changed: Int
    let changes: [Change]
    let omitted: [String: Int]
  }

  func run() throws {
    let replay = try log.replay(server)
    let officers: Set<UInt32> = replay.officerUIDs
    let policy = try PolicySource.files(file, officerUIDs: officers)
    let simulation = PolicySimulation(replay.entries, under: policy)
    let report = Report(
      entries: simulation.count,
      changed: simulation.changes.count,
      changes: Self.grouped(simulation.changes, replay),
      omitted: replay.omittedByName
    )
    try output.print(report) { Self.text(report, replay) }
    if exitCode, report.changed > 0 { throw ExitCode(ExitStatus.verificationFailed.rawValue) }
  }

  /// One line for all entries that ask the same and differ in time alone.
  private static func grouped(
    _ changes: [PolicySimulation.Change],
    _ replay: AuditReplay
  ) -> [Report.Change] {
    struct Question: Hashable {
      let principal: Principal
      let operation: ServiceOperation
      let resource: ResourcePath
      let source: NetworkAddress?
      let isAllowed: Bool
    }
    var groups: [Question: (first: PolicySimulation.Change, count: Int)] = [:]
    for change in changes {
      let request = change.entry.request
      let question = Question(
        principal: request.principal,
        operation: request.operation,
        resource: request.resource,
        source: request.source,
        isAllowed: change.decision.isAllowed
      )
      groups[question, default: (change, 0)].count += 1
    }
    return groups.values.sorted { $0.first.index < $1.first.index }.map { first, count in
      Report.Change(
        count: count,
        index: replay.indices[first.index],
        request: RequestReport(first.entry.request),
        allowedBefore: first.entry.wasAllowed,
        ruleBefore: first.entry.rule,
        allowedAfter: first.decision.isAllowed,
        ruleAfter: first.decision.rule
      )
    }
  }

  private static func text(_ report: Report, _ replay: AuditReplay) -> String {
    var lines = report.changes.flatMap { change in
      [
        "\(change.allowedAfter ? "would be allowed" : "would be REFUSED"), \(change.count) times,"
          + " first in entry \(change.index): \(change.request.text)",
        "  was \(change.ruleBefore ?? "-"), would be \(change.ruleAfter)",
      ].map(Table.printable)
    }
    lines.append("\(report.entries) requests replayed, \(report.changed) decided otherwise.")
    return (lines + replay.notes).joined(separator: "\n")
  }
}

struct PolicyTighten: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tighten",
    abstract: "Propose a smaller policy that still allows all that was used.",
    discussion: """
        keyward policy tighten --since 90d > smaller.yaml
        keyward policy tighten -f policy/ --export audit.log --unused

      The proposal is proved: every used request that the policy allows stays allowed, and nothing \
      is allowed that is not now. What was not used goes to standard error; with --unused, it is \
      all that is printed.
      """
  )

  @Option(
    name: [.customShort("f"), .long],
    help: ArgumentHelp("A file, a folder, or -. (default: the server's policy)", valueName: "path")
  )
  var file: [String] = []
  @OptionGroup
  var log: ReplayOptions
  @Flag(help: "Print the unused rights alone.")
  var unused = false
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  private struct Report: Encodable {
    let used: Int
    let unused: [String]
    /// Requests that were allowed then and are not by the policy of now.
    let notAllowed: [RequestReport]
    let omitted: [String: Int]
    /// Canonical YAML.
    let proposal: String

    enum CodingKeys: String, CodingKey {
      case used
      case unused
      case notAllowed = "not_allowed"
      case omitted
      case proposal
    }
  }

  func run() throws {
    let replay = try log.replay(server)
    let policy =
      file.isEmpty
      ? try PolicySource.server(try server.client().policy())
      : try PolicySource.files(file, officerUIDs: replay.officerUIDs)
    let used = replay.used
    let result = try PolicyTightening(policy, used: used)
    let report = Report(
      used: used.count,
      unused: result.unused.map(\.description),
      notAllowed: result.notAllowed.map(RequestReport.init),
      omitted: replay.omittedByName,
      proposal: result.proposal.canonicalText
    )
    guard output.format == .table else { return try output.print(report) { "" } }
    let findings = Self.findings(report, replay)
    guard !unused else { return StandardStream.output(findings) }
    StandardStream.error(findings + "\n")
    let text = report.proposal
    StandardStream.output(text.hasSuffix("\n") ? String(text.dropLast()) : text)
  }

  private static func findings(_ report: Report, _ replay: AuditReplay) -> String {
    var lines = report.unused.map { Table.printable("unused: \($0)") }
    lines += report.notAllowed.map { "no longer allowed: \($0.text)" }
    lines.append("\(report.used) used requests, \(report.unused.count) unused rights.")
    return (lines + replay.notes).joined(separator: "\n")
  }
}

extension AuditReplay {
  var omittedByName: [String: Int] {
    Dictionary(uniqueKeysWithValues: omitted.map { ($0.key.rawValue, $0.value) })
  }

  /// The users who were officers in the log: those of the admin socket are not in the files of a policy.
  var officerUIDs: Set<UInt32> {
    Set(
      entries.compactMap { entry in
        entry.rule == BuiltInBinding.securityOfficer.rawValue ? entry.request.principal.uid : nil
      }
    )
  }
}
