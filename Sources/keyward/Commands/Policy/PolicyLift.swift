import ArgumentParser
import KeywardClient
import KeywardCrypto
import KeywardModel

struct PolicyLift: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lift",
    abstract: "Lift an approval rule whose approvers are gone, with a quorum of shares.",
    discussion: """
        keyward policy lift policy-by-two --share-file ana.txt --share-file ben.txt

      For an approval rule that is in the way of your own changes of the policy, and no other. What \
      else it asks approval for stays. A threshold of the seal's shares, or of its recovery shares, \
      stands for the approvals. It takes the right policy:apply and the server's own machine (the \
      admin socket), and has its entry in the audit log. What comes next is an ordinary change: \
      keyward policy apply.
      """
  )

  @Argument(help: "The name of the approval rule.")
  var rule: String
  @Option(help: "Read shares from this file, or - (may be given several times; default: ask).")
  var shareFile: [String] = []
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    guard try !server.server().isHTTPS else {
      throw CommandFailure(
        .usage,
        "A rule is lifted on the admin socket alone; no share was read or sent.",
        remedy: "Run it on the server's machine, with --addr unix:///path/of/admin.sock."
      )
    }
    let client = try server.client()
    let shares = try SecretInput.shares(shareFile, try client.status())
    let revision = try client.liftApprovalRule(rule, shares: try SecretInput.lines(shares))
    try output.print(revision) {
      "Lifted: at revision \(revision.revision) of the policy the approval rule '\(rule)' is not in "
        + "the way of your changes any more."
    }
  }
}
