import ArgumentParser
import KeywardClient
import KeywardModel

struct KeyMACVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mac-verify",
    abstract: "Check an HMAC; exit status 7 when it does not hold.",
    discussion: "  keyward key mac-verify app/cookies --in session.txt --signature session.mac"
  )

  @OptionGroup
  var use: CryptoOptions
  @OptionGroup
  var signature: SignatureInput

  func run() throws {
    let request = CryptoRequest(
      version: use.number,
      signature: try signature.bytes(asBase64: use.base64)
    )
    let result = try use.server.client()
      .check(use.name.name, "mac-verify", request, try use.data())
    try signature.report(result)
  }
}
