import ArgumentParser
import KeywardClient
import KeywardModel

struct AuditCheckpoint: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint",
    abstract: "Print the newest signed checkpoint; with --output json also the verifier key."
  )

  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let checkpoint = try server.client().auditCheckpoint()
    try output.print(checkpoint) {
      checkpoint.note.hasSuffix("\n") ? String(checkpoint.note.dropLast()) : checkpoint.note
    }
  }
}
