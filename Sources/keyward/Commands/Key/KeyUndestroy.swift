import ArgumentParser
import KeywardClient

struct KeyUndestroy: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "undestroy",
    abstract: "Cancel a destruction that has not happened yet."
  )

  @Argument(help: "The key's name.")
  var name: KeyNameArgument
  @Option(name: .customLong("version"), help: "The version. (default: all that are scheduled)")
  var number: Int?
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let key = try server.client().undestroyKey(name.name, version: number)
    try output.print(key) { KeyText.details(key) }
  }
}
