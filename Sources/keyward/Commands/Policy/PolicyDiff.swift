import ArgumentParser
import KeywardClient
import KeywardModel
import KeywardPolicy

struct PolicyDiff: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compare two policies by what they allow; each difference with one example.",
    discussion: """
        keyward policy diff current policy/
        keyward policy diff 11 12
        keyward policy diff old.yaml new.yaml --exit-code     # offline; status 7 if they differ

      A policy is a file, a folder, the number of a revision, or 'current'. It says nothing exactly \
      when the two are equivalent, however differently they are written.
      """
  )

  @Argument(help: "The older policy.")
  var old: PolicySource
  @Argument(help: "The newer policy.")
  var new: PolicySource
  @Flag(help: "Exit status 7 if they differ.")
  var exitCode = false
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let (before, after) = try policies()
    let difference = try PolicyDifference(from: before, to: after)
    let report = DifferenceReport(difference)
    try output.print(report) { report.text }
    if exitCode, !difference.isEmpty { throw ExitCode(ExitStatus.verificationFailed.rawValue) }
  }

  /// Files have the officers of the server that the other policy is from.
  private func policies() throws -> (CompiledPolicy, CompiledPolicy) {
    var stored: [Int: CompiledPolicy] = [:]
    if old.isOnServer || new.isOnServer {
      let client = try server.client()
      for (index, source) in [old, new].enumerated() {
        switch source {
        case .current: stored[index] = try PolicySource.server(try client.policy())
        case .revision(let number):
          stored[index] = try PolicySource.server(try client.policy(revision: number))
        case .path: break
        }
      }
    }
    let officers = stored.first?.value.officerUIDs ?? []
    func compiled(_ source: PolicySource, _ index: Int) throws -> CompiledPolicy {
      if case .path(let path) = source {
        return try PolicySource.files([path], officerUIDs: officers)
      }
      return try stored[index] ?? PolicySource.files([], officerUIDs: officers)
    }
    return (try compiled(old, 0), try compiled(new, 1))
  }
}

/// A difference as `--output json` has it.
struct DifferenceReport: Encodable {
  struct Access: Encodable {
    /// `allowed`, `not-forbidden` or `fewer-approvals`.
    let cause: String
    let rule: String
    let other: String?
    let example: RequestReport
    let before: String
    let after: String

    init(_ access: PolicyDifference.Access) {
      cause = access.cause.rawValue
      rule = access.rule
      other = access.other
      example = RequestReport(access.example)
      before = access.before.rule
      after = access.after.rule
    }

    var lines: [String] {
      let why =
        switch cause {
        case "not-forbidden": "by \(rule), where \(other ?? "a rule") forbade it"
        case "fewer-approvals": "by \(rule), with less than \(other ?? "a rule") asks for"
        default: "by \(rule)"
        }
      return [Table.printable("  " + why), "    for example: \(example.text)"]
    }
  }

  let equivalent: Bool
  let gained: [Access]
  let lost: [Access]

  init(_ difference: PolicyDifference) {
    equivalent = difference.isEmpty
    gained = difference.gained.map(Access.init)
    lost = difference.lost.map(Access.init)
  }

  var text: String {
    guard !equivalent else { return "Equivalent: nobody gains or loses anything." }
    var lines: [String] = []
    if !gained.isEmpty { lines += ["Access gained:"] + gained.flatMap(\.lines) }
    if !lost.isEmpty { lines += ["Access lost:"] + lost.flatMap(\.lines) }
    return lines.joined(separator: "\n")
  }
}

/// A request as `--output json` has it.
struct RequestReport: Encodable {
  let principal: PrincipalInfo
  let operation: String
  let resource: String
  let time: String
  let source: String?
  let text: String

  enum CodingKeys: String, CodingKey {
    case principal
    case operation
    case resource
    case time
    case source
  }

  init(_ request: PolicyRequest) {
    principal = PrincipalInfo(request.principal)
    operation = request.operation.rawValue
    resource = request.resource.description
    time = request.time.rfc3339
    source = request.source?.description
    text = AnalysisText.request(request)
  }
}
