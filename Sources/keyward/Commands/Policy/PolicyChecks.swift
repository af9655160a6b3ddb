import ArgumentParser
import KeywardClient
import KeywardModel
import KeywardPolicy

struct PolicyLintCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lint",
    abstract: "Look for mistakes and for what is wider than it need be; status 7 on errors.",
    discussion: """
        keyward policy lint policy/
        keyward policy lint                   # what the server has
        keyward policy lint policy/ --strict

      Findings: shadowed and never matching rules, unused roles, wildcards, subjects that are too \
      broad, not_in in a forbid rule, what has expired, quorums that nobody can fill.
      """
  )

  @Argument(help: "Files, folders, or -. (default: the server's policy)")
  var paths: [String] = []
  @Option(name: [.customShort("f"), .long], help: ArgumentHelp("The same.", valueName: "path"))
  var file: [String] = []
  @Flag(help: "Status 7 on warnings too.")
  var strict = false
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  private struct Report: Encodable {
    struct Finding: Encodable {
      let severity: String
      let rule: String
      let kind: String
      let name: String
      let index: Int?
      let message: String
    }

    let findings: [Finding]
    /// True when rules were too many for all shadowed ones to be found.
    let partial: Bool
  }

  func run() throws {
    let policy =
      (paths + file).isEmpty
      ? try PolicySource.server(try server.client().policy())
      : try PolicySource.files(paths + file, officerUIDs: [])
    let lint = PolicyLint(policy, time: SystemTime().now())
    let report = Report(
      findings: lint.findings.map {
        Report.Finding(
          severity: $0.severity.rawValue,
          rule: $0.rule.rawValue,
          kind: $0.document.kind.rawValue,
          name: $0.document.name,
          index: $0.index,
          message: $0.message
        )
      },
      partial: lint.isPartial
    )
    try output.print(report) {
      var lines = lint.findings.map { Table.printable($0.description) }
      if lint.findings.isEmpty { lines.append("Nothing found.") }
      if lint.isPartial {
        lines.append("Too many rules interlock: not all shadowed ones are found.")
      }
      return lines.joined(separator: "\n")
    }
    let isBad = lint.findings.contains { strict || $0.severity == .error }
    if isBad { throw ExitCode(ExitStatus.verificationFailed.rawValue) }
  }
}

struct PolicyTestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Run expectations against a policy, offline, with coverage; status 7 on failures.",
    discussion: """
        keyward policy test -f policy/ --tests policy-tests/
        keyward policy test -f policy/ --tests tests.yaml --full-coverage

      A file of tests:

        apiVersion: keyward.dev/v1
        kind: PolicyTest
        metadata: {name: etcd}
        spec:
          cases:
            - principal: {kind: certificate, issuer: node-ca, name: kms-plugin, cluster: prod-eu}
              operation: key:encrypt
              resource: keys/etcd/prod-eu
              expect: allow            # or deny, or approval
      """
  )

  @Option(
    name: [.customShort("f"), .long],
    help: ArgumentHelp("A file, a folder, or -. (default: the server's policy)", valueName: "path")
  )
  var file: [String] = []
  @Option(
    help: ArgumentHelp("A file or folder of tests (may be given several times).", valueName: "path")
  )
  var tests: [String]
  @Flag(help: "Status 7 if a rule is touched by no case.")
  var fullCoverage = false
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  private struct Report: Encodable {
    struct Failure: Encodable {
      let test: String
      let place: String?
      let request: RequestReport
      let expected: String
      let got: String
      let rule: String
    }

    let cases: Int
    let failures: [Failure]
    let covered: [String]
    let uncovered: [String]
  }

  func run() throws {
    let policy =
      file.isEmpty
      ? try PolicySource.server(try server.client().policy())
      : try PolicySource.files(file, officerUIDs: [])
    let suites = try PolicyTest.parse(
      try PolicyFiles.read(tests).map { (name: $0.name, text: $0.text) }
    )
    let outcome = PolicyTestReport(suites, under: policy)
    let report = Report(
      cases: outcome.outcomes.count,
      failures: outcome.failures.map {
        Report.Failure(
          test: $0.test,
          place: $0.expected.place?.description,
          request: RequestReport($0.expected.request),
          expected: $0.expected.expect.rawValue,
          got: $0.decision.isAllowed
            ? $0.decision.approvals.isEmpty ? "allow" : "approval" : "deny",
          rule: $0.decision.rule
        )
      },
      covered: outcome.covered,
      uncovered: outcome.uncovered
    )
    try output.print(report) { Self.text(report) }
    guard report.failures.isEmpty, !fullCoverage || report.uncovered.isEmpty else {
      throw ExitCode(ExitStatus.verificationFailed.rawValue)
    }
  }

  private static func text(_ report: Report) -> String {
    var lines = report.failures.flatMap { failure in
      [
        "FAILED \(failure.place ?? failure.test): expected \(failure.expected), got \(failure.got)"
          + " (\(failure.rule))",
        "  \(failure.request.text)",
      ].map(Table.printable)
    }
    lines.append("\(report.cases) cases, \(report.failures.count) failed.")
    let rules = report.covered.count + report.uncovered.count
    lines.append("\(report.covered.count) of \(rules) rules covered.")
    lines += report.uncovered.map { Table.printable("  not covered: \($0)") }
    return lines.joined(separator: "\n")
  }
}
