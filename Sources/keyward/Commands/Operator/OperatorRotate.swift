import ArgumentParser
import KeywardClient
import KeywardModel

struct OperatorRotate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotate",
    abstract: "Begin a new keyring term and rewrap all material under it, while serving.",
    discussion: "Keys and ciphertexts do not change. 'operator status' shows what is left to do."
  )

  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let rotation = try server.client().rotateKeyring()
    try output.print(rotation) {
      Table.pairs([
        ("Keyring term", String(rotation.keyringTerm)),
        ("To rewrap", String(rotation.rewrapPending)),
      ])
    }
  }
}
