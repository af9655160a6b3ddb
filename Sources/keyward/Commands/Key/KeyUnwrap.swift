import ArgumentParser
import KeywardClient
import KeywardModel

struct KeyUnwrap: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unwrap",
    abstract: "Unwrap what 'wrap' made.",
    discussion: "  keyward key unwrap kek/hsm --in key.wrapped --out key.bin"
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
      .reveal(use.name.name, "unwrap", request, try use.ciphertext())
    try output.write(result.body)
  }
}
