import ArgumentParser
import KeywardClient
import KeywardModel

struct FsckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fsck",
    abstract: "Check the store; exit status 7 when something is damaged.",
    discussion: """
      With the server: every row is checked with the root key. With --data-dir, and the server \
      stopped: the structure, and every row as well when shares, passphrase or key file are given.

        keyward fsck
        keyward fsck --data-dir /var/lib/keyward --share-file shares.txt
      """
  )

  @Option(help: ArgumentHelp("Check this folder offline.", valueName: "folder"))
  var dataDir: String?
  @Option(help: ArgumentHelp("The anchor file, if it is elsewhere.", valueName: "file"))
  var anchorFile: String?
  @OptionGroup
  var seal: OfflineSeal
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    guard dataDir != nil || (!seal.isGiven && anchorFile == nil) else {
      throw ValidationError("The options of the offline check go with --data-dir.")
    }
  }

  func run() throws {
    let report: FsckReport
    if let dataDir {
      report = try OfflineStore.check(dataDir, anchor: anchorFile, seal)
    } else {
      report = try server.client().fsck()
    }
    try output.print(report) { Self.text(report) }
    if !report.ok { throw ExitCode(ExitStatus.verificationFailed.rawValue) }
  }

  static func text(_ report: FsckReport) -> String {
    var lines = report.findings.map { finding in
      "\(finding.severity.rawValue): \(finding.table) \(finding.row): \(finding.problem)"
    }.map(Table.printable)
    for (table, count) in report.checked.sorted(by: { $0.key < $1.key }) {
      lines.append("\(table): \(count) rows checked")
    }
    if !report.authenticated {
      lines.append("Rows were not authenticated: the root key is needed.")
    }
    lines.append(report.ok ? "Clean." : "DAMAGED.")
    return lines.joined(separator: "\n")
  }
}
