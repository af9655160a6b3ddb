import ArgumentParser
import KeywardCrypto
import KeywardModel

/// The signature or MAC to check, and how its result is told.
struct SignatureInput: ParsableArguments {
  @Option(
    name: .customLong("signature"),
    help: ArgumentHelp("The file with the signature or MAC.", valueName: "file")
  )
  var path: String

  @OptionGroup
  var output: OutputOptions

  func bytes(asBase64: Bool) throws -> [UInt8] {
    let data = try SecretInput.data(path, limit: 4096)
    return asBase64 ? try CryptoOptions.decode(data) : data.bytes.revealed()
  }

  /// Prints the result; exit status 7 when it does not hold.
  func report(_ result: VerificationResult) throws {
    try output.print(result) {
      result.valid ? "Valid, by version \(result.version)." : "NOT VALID."
    }
    if !result.valid { throw ExitCode(ExitStatus.verificationFailed.rawValue) }
  }
}
