import ArgumentParser
import KeywardClient
import KeywardModel

struct KeyShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show a key with its versions, or print its public key."
  )

  @Argument(help: "The key's name.")
  var name: KeyNameArgument
  @Flag(help: "Print the public key of a key pair as PEM.")
  var publicKey = false
  @Option(name: .customLong("version"), help: "The version of the public key. (default: primary)")
  var number: Int?
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let key = try server.client().showKey(name.name)
    guard publicKey else {
      try output.print(key) { KeyText.details(key) }
      return
    }
    let wanted = number ?? key.primaryVersion
    guard let version = key.versions?.first(where: { $0.version == wanted }),
      let spki = version.publicKey.flatMap(Base64.decode)
    else {
      throw CommandFailure(.notFound, "The key has no such version with a public key.")
    }
    StandardStream.output(PEM.publicKey(spki))
  }
}
