import ArgumentParser
import KeywardClient
import KeywardModel

struct KeyStateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "state",
    abstract: "Move a version to another state of its life (NIST SP 800-57).",
    discussion: """
      active protects; deactivated and compromised only decrypt and verify; suspended does \
      nothing until it is made active again. Destroy with 'keyward key destroy'.

        keyward key state etcd/prod-eu --version 3 --to suspended
      """
  )

  @Argument(help: "The key's name.")
  var name: KeyNameArgument
  @Option(name: .customLong("version"), help: "The version's number.")
  var number: Int
  @Option(help: "active, suspended, deactivated or compromised.")
  var to: String
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let state = try WireText.state(to)
    let key = try server.client().setKeyState(name.name, version: number, to: state)
    try output.print(key) { KeyText.details(key) }
  }
}
