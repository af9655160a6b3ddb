import ArgumentParser
import KeywardClient
import KeywardModel

struct KeyRewrap: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rewrap",
    abstract: "Move a ciphertext to the key's primary version; the plaintext stays in the server."
  )

  @OptionGroup
  var use: CryptoOptions
  @OptionGroup
  var context: ContextOption
  @OptionGroup
  var output: ByteOutput

  func run() throws {
    let request = CryptoRequest(version: use.number, context: context.bytes)
    let result = try use.server.client()
      .transform(use.name.name, "rewrap", request, try use.ciphertext())
    try output.write(result.bytes, asBase64: use.base64)
  }
}
