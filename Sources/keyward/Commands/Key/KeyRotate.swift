import ArgumentParser
import KeywardClient

struct KeyRotate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotate",
    abstract: "Make a new version that protects from now on; the old ones still decrypt and verify."
  )

  @Argument(help: "The key's name.")
  var name: KeyNameArgument
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let key = try server.client().rotateKey(name.name)
    try output.print(key) { KeyText.details(key) }
  }
}
