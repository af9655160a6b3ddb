import ArgumentParser
import KeywardClient
import KeywardModel

struct KeySign: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sign",
    abstract: "Sign up to 1 MiB, or a digest.",
    discussion: """
        keyward key sign signing/release --in release.tar.sha256 --out release.sig
        openssl dgst -sha256 -binary big | keyward key sign a/b --prehashed
      """
  )

  @OptionGroup
  var use: CryptoOptions
  @OptionGroup
  var scheme: SchemeOptions
  @Flag(help: "The input is the digest already, of the size of --hash.")
  var prehashed = false
  @OptionGroup
  var output: ByteOutput

  func run() throws {
    let request = CryptoRequest(
      version: use.number,
      algorithm: scheme.algorithm,
      hash: scheme.hash,
      prehashed: prehashed
    )
    let result = try use.server.client()
      .transform(use.name.name, "sign", request, try use.data())
    try output.write(result.bytes, asBase64: use.base64)
  }
}
