import ArgumentParser
import KeywardClient
import KeywardModel

struct KeyWrap: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wrap",
    abstract: "Wrap another key's bytes with this key (AES-KW, AES-KWP or RSA-OAEP).",
    discussion: "  keyward key wrap kek/hsm --in key.bin --out key.wrapped"
  )

  @OptionGroup
  var use: CryptoOptions
  @OptionGroup
  var scheme: SchemeOptions
  @OptionGroup
  var output: ByteOutput

  func run() throws {
    let request = CryptoRequest(
      version: use.number,
      algorithm: scheme.algorithm,
      hash: scheme.hash
    )
    let result = try use.server.client()
      .transform(use.name.name, "wrap", request, try use.data())
    try output.write(result.bytes, asBase64: use.base64)
  }
}
