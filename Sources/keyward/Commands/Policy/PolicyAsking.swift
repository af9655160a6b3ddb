import ArgumentParser
import KeywardClient
import KeywardModel

/// A question to the policy, about oneself or, with `policy:explain`, about somebody else.
struct QuestionOptions: ParsableArguments {
  @Argument(help: "As key:encrypt.")
  var operation: String
  @Argument(help: "A path, as keys/etcd/prod-eu.")
  var resource: String
  @Option(
    name: .customLong("as"),
    help: ArgumentHelp("Ask about this identity.", valueName: "issuer/name")
  )
  var identity: String?
  @Option(help: "Its kind. (default: that of the issuer, else jwt)")
  var kind: String?
  @Option(help: "Its cluster.")
  var cluster: String?
  @Option(help: "Its environment.")
  var environment: String?
  @Option(
    help: ArgumentHelp("A claim of it (may be given several times).", valueName: "name=value")
  )
  var claim: [String] = []
  @Option(help: ArgumentHelp("The address that it would come from.", valueName: "address"))
  var source: String?

  func validate() throws {
    guard identity != nil || (kind ?? cluster ?? environment) == nil && claim.isEmpty else {
      throw ValidationError("--kind, --cluster, --environment and --claim go with --as.")
    }
  }

  func request() throws -> DecisionRequest {
    DecisionRequest(
      operation: operation,
      resource: resource,
      principal: try identity.map(subject),
      source: source
    )
  }

  private func subject(_ identity: String) throws -> DecisionRequest.Subject {
    let parts = identity.split(separator: "/", maxSplits: 1)
    guard parts.count == 2 else {
      throw CommandFailure(
        .usage,
        "'\(Table.printable(identity))' is no identity.",
        remedy: "Write ISSUER/NAME, as node-ca/kms-plugin or tokens/ci."
      )
    }
    var claims: [String: String] = [:]
    for text in claim {
      let pair = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2, !pair[0].isEmpty,
        claims.updateValue(String(pair[1]), forKey: String(pair[0])) == nil
      else {
        throw CommandFailure(.usage, "--claim is NAME=VALUE, each name once.")
      }
    }
    return DecisionRequest.Subject(
      kind: kind,
      issuer: String(parts[0]),
      name: String(parts[1]),
      cluster: cluster,
      environment: environment,
      claims: claims.isEmpty ? nil : claims
    )
  }
}

struct PolicyCanI: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "can-i",
    abstract: "Ask whether something is allowed: exit status 0 if so, 5 if not.",
    discussion: """
        keyward policy can-i key:encrypt keys/app/db
        keyward policy can-i key:decrypt keys/etcd/prod-eu --as node-ca/kms-plugin \\
          --cluster prod-eu --source 10.1.2.3

      Asking about another than oneself needs policy:explain. Of a secret that is inherited the \
      answer is that of its reading: the rules about the environment that has it count too.
      """
  )

  @OptionGroup
  var question: QuestionOptions
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let answer = try server.client().decide(try question.request(), explaining: false)
    try output.print(answer) { DecisionText.short(answer) }
    if !answer.allowed { throw ExitCode(ExitStatus.refused.rawValue) }
  }
}

struct PolicyExplain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract:
      "Say which rule decides, or for a refusal what was missing; exit status 0 either way.",
    discussion: "  keyward policy explain key:destroy keys/etcd/prod-eu --as github/ORG/REPO"
  )

  @OptionGroup
  var question: QuestionOptions
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let answer = try server.client().decide(try question.request(), explaining: true)
    try output.print(answer) {
      answer.explanation.map(Table.printable).joined(separator: "\n")
    }
  }
}

enum DecisionText {
  static func short(_ answer: DecisionAnswer) -> String {
    let word = answer.allowed ? "yes" : "no"
    let lines =
      ["\(word)  (\(answer.rule))"] + answer.approvals.map { "after approval: \($0)" }
      + (answer.inheritedFrom.map { ["inherited from \($0), whose rules count too"] } ?? [])
    return lines.map(Table.printable).joined(separator: "\n")
  }
}
