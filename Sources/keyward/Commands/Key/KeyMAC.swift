import ArgumentParser
import KeywardClient
import KeywardModel

struct KeyMAC: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mac",
    abstract: "Make the HMAC of up to 1 MiB.",
    discussion: "  keyward key mac app/cookies --in session.txt --base64"
  )

  @OptionGroup
  var use: CryptoOptions
  @OptionGroup
  var output: ByteOutput

  func run() throws {
    let request = CryptoRequest(version: use.number)
    let result = try use.server.client().transform(use.name.name, "mac", request, try use.data())
    try output.write(result.bytes, asBase64: use.base64)
  }
}
