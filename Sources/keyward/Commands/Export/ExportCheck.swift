import ArgumentParser
import KeywardCrypto
import KeywardExport
import KeywardModel
import KeywardSystem

struct ExportCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Say what is wrong with a file of an export, without a key and without a server.",
    discussion: """
        keyward export check blob.bin --for aws --wrapping-key-bits 4096 --key-type aes-256
        keyward export check params.json --for google
        keyward export check key.byok

      A blob, a .byok, a provider's parameters, AWS's ImportKeyMaterial request, a private key as PKCS#8 (or with --kind raw a \
      symmetric key) and a JWE are told apart by their form. Status 7 if something is wrong, 2 if \
      the kind cannot be told. Warnings alone have status 0. Nothing of a key is printed.
      """
  )

  @Argument(help: "The file, or - for standard input.")
  var file: String
  @Option(help: "What it is: blob, byok, parameters, request, pkcs8, raw or jwe. (default: told)")
  var kind: ExportCheck.Kind?
  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("For whom it is, as aws or ibm-hpcs.", valueName: "provider")
  )
  var provider: ExportProvider?
  @Option(help: ArgumentHelp("The size of the wrapping key.", valueName: "bits"))
  var wrappingKeyBits: Int?
  @Option(help: ArgumentHelp("How it is wrapped, as RSA_AES_KEY_WRAP_SHA_256.", valueName: "name"))
  var algorithm: WrappingAlgorithm?
  @Option(help: ArgumentHelp("What is wrapped, as aes-256 or rsa-2048.", valueName: "type"))
  var keyType: KeyType?
  @Option(help: "In which form a blob is due: raw, base64 or base64url.")
  var encoding = ExportCheck.Encoding.raw
  @Option(
    help: ArgumentHelp("Google: the level of the key, as HSM or SOFTWARE.", valueName: "level")
  )
  var protectionLevel: String?
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    guard wrappingKeyBits.map({ [2048, 3072, 4096].contains($0) }) ?? true else {
      throw ValidationError("--wrapping-key-bits is 2048, 3072 or 4096.")
    }
  }

  func run() throws {
    let bytes = try SecretInput.data(file, limit: ExportCheck.maximumLength)
    let hints = ExportCheck.Hints(
      kind: kind,
      provider: provider,
      wrappingKeyBits: wrappingKeyBits,
      algorithm: algorithm,
      keyType: keyType,
      encoding: encoding,
      protectionLevel: protectionLevel?.uppercased()
    )
    let report: ExportCheck.Report
    do throws(ExportRefusal) {
      report = try ExportCheck.check(bytes.bytes, hints, now: SystemTime().now())
    } catch {
      throw CommandFailure(.usage, error.words, remedy: error.remedy)
    }
    try output.print(report) { Self.text(report) }
    if !report.isSound { throw ExitCode(ExitStatus.verificationFailed.rawValue) }
  }

  private static func text(_ report: ExportCheck.Report) -> String {
    var lines = report.findings.flatMap { finding in
      [
        "\(finding.severity.rawValue) \(finding.code.rawValue) at \(finding.place): "
          + finding.message,
        "  \(finding.remedy)",
      ]
    }
    if report.findings.isEmpty {
      lines.append("Nothing is wrong with this \(report.kind.rawValue).")
    }
    lines.append("Not visible in such a file: \(report.unseen.joined(separator: "; ")).")
    return lines.map(Table.printable).joined(separator: "\n")
  }
}

extension ExportCheck.Kind: ExpressibleByArgument {}
extension ExportCheck.Encoding: ExpressibleByArgument {}
extension ExportProvider: ExpressibleByArgument {}
extension WrappingAlgorithm: ExpressibleByArgument {}
extension KeyType: ExpressibleByArgument {}
