import ArgumentParser
import KeywardClient

struct KeyDestroy: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "destroy",
    abstract: "Schedule the destruction of a version, or of the whole key.",
    discussion: """
      What it encrypted is lost when the time comes. Until then it does nothing, and \
      'keyward key undestroy' brings it back.

        keyward key destroy etcd/old --version 2 --after 7d
        keyward key destroy etcd/old --all-versions
      """
  )

  @Argument(help: "The key's name.")
  var name: KeyNameArgument
  @Option(name: .customLong("version"), help: "The version to destroy.")
  var number: Int?
  @Flag(help: "Destroy all versions and free the name.")
  var allVersions = false
  @Option(
    help: ArgumentHelp("Destroy after 7d, 12h, … (default: the server's)", valueName: "time")
  )
  var after: Seconds?
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    guard (number == nil) == allVersions else {
      throw ValidationError("Give either --version or --all-versions.")
    }
  }

  func run() throws {
    let client = try server.client()
    let key = try client.destroyKey(name.name, version: number, after: after?.value)
    try output.print(key) { KeyText.details(key) }
  }
}
