import ArgumentParser
import KeywardClient
import KeywardModel

struct KeyDecrypt: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decrypt",
    abstract: "Decrypt what 'encrypt' made.",
    discussion: """
        keyward key decrypt app/db --in secret.kw --out secret.txt --context orders
        keyward key decrypt app/db --base64 < secret.txt.kw
      """
  )

  @OptionGroup
  var use: CryptoOptions
  @OptionGroup
  var context: ContextOption
  @OptionGroup
  var scheme: SchemeOptions
  @OptionGroup
  var output: ByteOutput

  func run() throws {
    let request = CryptoRequest(
      version: use.number,
      context: context.bytes,
      algorithm: scheme.algorithm,
      hash: scheme.hash
    )
    let result = try use.server.client()
      .reveal(use.name.name, "decrypt", request, try use.ciphertext())
    try output.write(result.body)
  }
}
