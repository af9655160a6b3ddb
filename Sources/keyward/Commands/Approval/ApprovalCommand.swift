import ArgumentParser
import KeywardClient
import KeywardModel

struct ApprovalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approval",
    abstract: "Requests for approval: look at them and decide.",
    discussion: """
      An operation that needs approval is refused at first, and by that asked for:

        keyward key destroy etcd/old --all-versions     # says apr-…
        keyward approval show apr-…                     # somebody else looks
        keyward approval approve apr-…                  # and approves
        keyward key destroy etcd/old --all-versions --approval apr-…

      It is bound to the exact request, counts once, and nobody decides on their own request.
      """,
    subcommands: [
      ApprovalList.self, ApprovalShow.self, ApprovalApprove.self, ApprovalDeny.self,
    ]
  )
}

struct ApprovalList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List requests for approval, newest first."
  )

  @Option(help: "Only those that are pending, approved, denied, used or expired.")
  var state: String?
  @Option(help: "At most so many.")
  var limit = 1000
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    guard (1...1_000_000).contains(limit) else {
      throw ValidationError("--limit must be within 1 and 1000000.")
    }
    let states = ["pending", "approved", "denied", "used", "expired"]
    guard state.map(states.contains) ?? true else {
      throw ValidationError("--state is one of \(states.joined(separator: ", ")).")
    }
  }

  func run() throws {
    let client = try server.client()
    var approvals: [ApprovalInfo] = []
    var cursor: String?
    repeat {
      let page = try client.listApprovals(limit: min(1000, limit), cursor: cursor)
      approvals += page.approvals.filter { state == nil || $0.state == state }
      cursor = page.nextCursor
    } while cursor != nil && approvals.count < limit
    let shown = Array(approvals.prefix(limit))
    try output.print(shown) { ApprovalText.list(shown) }
  }
}

struct ApprovalShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show what is asked for, by whom, and who decided so far."
  )

  @Argument(help: ArgumentHelp("The request for approval.", valueName: "apr-…"))
  var id: IdentifierArgument<IdentifierKinds.Approval>
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let approval = try server.client().showApproval(id.id)
    try output.print(approval) { ApprovalText.details(approval) }
  }
}

struct ApprovalApprove: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approve",
    abstract: "Say yes to a request of somebody else."
  )

  @Argument(help: ArgumentHelp("The request for approval.", valueName: "apr-…"))
  var id: IdentifierArgument<IdentifierKinds.Approval>
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let approval = try server.client().approve(id.id)
    try output.print(approval) { ApprovalText.details(approval) }
  }
}

struct ApprovalDeny: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deny",
    abstract: "Say no to a request of somebody else; that ends it."
  )

  @Argument(help: ArgumentHelp("The request for approval.", valueName: "apr-…"))
  var id: IdentifierArgument<IdentifierKinds.Approval>
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let approval = try server.client().deny(id.id)
    try output.print(approval) { ApprovalText.details(approval) }
  }
}

/// Requests for approval in the form for people.
enum ApprovalText {
  static func details(_ approval: ApprovalInfo) -> String {
    Table.pairs(
      [
        ("Approval", approval.id),
        ("State", approval.state),
        ("Operation", approval.operation),
        ("Resource", approval.resource),
      ] + approval.reached.map { ("Reaches", "\($0.operation) of \($0.resource)") } + [
        ("Asked by", PrincipalText.short(approval.requester)),
        ("Asked at", approval.createdAt),
        ("Expires", approval.expiresAt),
        ("Request digest", approval.requestDigest),
      ]
        + approval.requirements.map { ("Needs", $0) }
        + approval.votes.map { vote in
          (
            vote.decision == "approve" ? "Approved" : "Denied",
            "\(PrincipalText.short(vote.principal)) at \(vote.at)"
          )
        }
    )
  }

  static func list(_ approvals: [ApprovalInfo]) -> String {
    guard !approvals.isEmpty else { return "No requests for approval." }
    var table = Table(["ID", "STATE", "OPERATION", "RESOURCE", "ASKED BY", "EXPIRES", "YES"])
    for approval in approvals {
      table.add([
        approval.id, approval.state, approval.operation, approval.resource,
        PrincipalText.short(approval.requester), approval.expiresAt,
        "\(approval.votes.count { $0.decision == "approve" })",
      ])
    }
    return table.text
  }
}
