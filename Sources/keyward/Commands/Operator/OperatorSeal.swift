import ArgumentParser
import KeywardClient

struct OperatorSeal: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "seal",
    abstract: "Make the server forget its keys until it is unsealed again.",
    discussion: "KMS sockets stay open and answer with an error until then."
  )

  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let status = try server.client().seal()
    try output.print(status) { OperatorStatus.text(status) }
  }
}
