import ArgumentParser
import KeywardClient
import KeywardCrypto
import KeywardModel

struct PolicyLift: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lift",
    abstract: "Take out an approval rule whose approvers are gone, with a quorum of shares.",
    discussion: """
        keyward policy lift policy-by-two --share-file ana.txt --share-file ben.txt

      For an approval rule that is in the way of your own changes of the policy, and no other. A \
      threshold of the seal's shares, or of its recovery shares, stands for the approvals. It takes \
      the right policy:apply, the server's own machine (the admin socket), and has its entry in the \
      audit log. What comes next is an ordinary change: keyward policy apply.
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
      "Lifted: the policy is at revision \(revision.revision), without the approval rule '\(rule)'."
    }
  }
}
