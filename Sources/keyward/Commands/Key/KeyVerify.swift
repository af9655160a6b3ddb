import ArgumentParser
import KeywardClient
import KeywardModel

struct KeyVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check a signature; exit status 7 when it does not hold.",
    discussion: "  keyward key verify signing/release --in release.txt --signature release.sig"
  )

  @OptionGroup
  var use: CryptoOptions
  @OptionGroup
  var scheme: SchemeOptions
  @Flag(help: "The input is the digest already, of the size of --hash.")
  var prehashed = false
  @OptionGroup
  var signature: SignatureInput

  func run() throws {
    let request = CryptoRequest(
      version: use.number,
      algorithm: scheme.algorithm,
      hash: scheme.hash,
      signature: try signature.bytes(asBase64: use.base64),
      prehashed: prehashed
    )
    let result = try use.server.client().check(use.name.name, "verify", request, try use.data())
    try signature.report(result)
  }
}
