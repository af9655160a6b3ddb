import ArgumentParser
import KeywardClient
import KeywardCrypto
import KeywardModel

struct OperatorRekey: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rekey",
    abstract: "Replace the seal: new shares, a new passphrase, or another kind.",
    discussion: """
      Proves the present seal with its shares or passphrase, then makes the new one. The old \
      shares open nothing from then on; the keys themselves do not change.

        keyward operator rekey --share-file old.txt --shares 7 --out new.txt
        keyward operator rekey --share-file old.txt --seal passphrase
      """
  )

  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var seal: SealOptions
  @Option(help: "Read present shares from this file, or - (may be given several times).")
  var shareFile: [String] = []
  @Option(help: "Read the present passphrase from this file, or -.")
  var passphraseFile: String?
  @Option(help: "Read the new passphrase from this file, or - (default: ask).")
  var newPassphraseFile: String?
  @OptionGroup
  var bytes: ByteOutput
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let request = try seal.request()
    let client = try server.client()
    var parts = try proof(try client.status())
    if seal.seal == .passphrase {
      parts.append(SecretBox(try SecretBytes(count: 0)))
      parts.append(
        try SecretInput.passphrase(
          newPassphraseFile,
          prompt: "New passphrase: ",
          confirming: true
        )
      )
    }
    let input = try SecretInput.lines(parts)
    try SealOptions.write(to: bytes, output.format) { try client.rekey(request, input: input) }
  }

  private func proof(_ status: SealStatus) throws -> [SecretBox] {
    if let passphraseFile {
      return [try SecretInput.passphrase(passphraseFile, prompt: "", confirming: false)]
    }
    if !shareFile.isEmpty {
      return try shareFile.map { try SecretInput.line(try SecretInput.secret($0)) }
    }
    if status.seal == SealKind.passphrase.rawValue {
      return [try Prompt.secret("Present passphrase: ")]
    }
    let needed = status.threshold ?? 1
    return try (1...max(1, needed)).map { try Prompt.secret("Share \($0) of \(needed): ") }
  }
}
