import ArgumentParser
import KeywardClient

struct AuditExport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write the whole log, with its checkpoints, to a file that 'verify' checks offline."
  )

  @Option(
    name: .customLong("out"),
    help: ArgumentHelp("The file (mode 0600), or - for standard output.", valueName: "file")
  )
  var path: String
  @OptionGroup
  var server: ServerOptions

  func run() throws {
    let client = try server.client()
    try StreamFile.write(to: path) { try client.exportAudit(to: $0) }
  }
}
