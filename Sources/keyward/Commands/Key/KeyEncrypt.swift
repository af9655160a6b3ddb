import ArgumentParser
import KeywardClient
import KeywardModel

struct KeyEncrypt: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encrypt",
    abstract: "Encrypt up to 64 KiB.",
    discussion: """
        keyward key encrypt app/db --in secret.txt --out secret.kw --context orders
        echo hello | keyward key encrypt app/db --base64
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
      .transform(use.name.name, "encrypt", request, try use.data())
    try output.write(result.bytes, asBase64: use.base64)
  }
}
