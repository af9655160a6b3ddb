import ArgumentParser
import KeywardClient

struct KeyCreate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Make a new key.",
    discussion: """
        keyward key create etcd/prod-eu --type aes-256 --rotation-period 90d
        keyward key create signing/release --type ed25519 --deletion-protected
        keyward key create kek/hsm --type aes-256 --operations wrap,unwrap
      """
  )

  @Argument(help: "A path of segments, as etcd/prod-eu.")
  var name: KeyNameArgument
  @Option(help: "The type: aes-256, rsa-3072, ec-p256, ed25519, hmac-sha256, …")
  var type: String
  @OptionGroup
  var limits: KeyLimitOptions
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let key = try server.client().createKey(try limits.newKey(name.name, type: type))
    try output.print(key) { KeyText.details(key) }
  }
}
