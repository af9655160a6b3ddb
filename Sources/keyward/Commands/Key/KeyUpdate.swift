import ArgumentParser
import KeywardClient
import KeywardModel

struct KeyUpdate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "update",
    abstract: "Change attributes. Limits can be tightened and never loosened.",
    discussion: """
        keyward key update etcd/prod-eu --deletion-protected --rotation-period 30d
        keyward key update kek/hsm --operations unwrap
      """
  )

  @Argument(help: "The key's name.")
  var name: KeyNameArgument
  @OptionGroup
  var limits: KeyLimitOptions
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    guard limits.changes != UpdateKeyRequest() else {
      throw ValidationError("Nothing to change: give at least one attribute.")
    }
  }

  func run() throws {
    let key = try server.client().updateKey(name.name, limits.changes)
    try output.print(key) { KeyText.details(key) }
  }
}
