import ArgumentParser
import KeywardClient
import KeywardModel

struct OperatorStatus: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show whether the server is initialized, sealed and able to write its audit log.",
    discussion: "Exit status 4 when it is sealed or not initialized."
  )

  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let status = try server.client().status()
    try output.print(status) { Self.text(status) }
    if status.sealed || !status.initialized { throw ExitCode(ExitStatus.sealed.rawValue) }
  }

  static func text(_ status: SealStatus) -> String {
    let state = status.initialized ? (status.sealed ? "sealed" : "unsealed") : "not initialized"
    var progress: String?
    if status.sealed, let threshold = status.threshold {
      progress = "\(status.progress) of \(threshold) shares given"
    }
    return Table.pairs([
      ("State", status.dev ? state + " (dev: NOT FOR PRODUCTION)" : state),
      ("Reason", status.reason),
      ("Seal", status.seal),
      ("Shares", status.shares.map { "\($0), any \(status.threshold ?? 0) open it" }),
      ("Progress", progress),
      (
        "Rekey",
        status.rekeyPending
          ? "waits for its new shares: keyward operator rekey --confirm. The old seal opens too."
          : nil
      ),
      ("Store", status.storeID),
      ("Keys", status.keys.map(String.init)),
      ("Keyring term", status.keyringTerm.map(String.init)),
      ("To rewrap", status.rewrapPending.flatMap { $0 == 0 ? nil : String($0) }),
      ("Audit entries", status.auditSize.map(String.init)),
      ("Audit log", status.auditWritable ? "writable" : "NOT WRITABLE: nothing is answered"),
      ("Version", status.version),
      ("Started", status.startedAt),
    ])
  }
}
