import ArgumentParser
import KeywardClient
import KeywardCrypto
import KeywardModel

struct OperatorRekey: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rekey",
    abstract: "Replace the seal: new shares, a new passphrase, or another kind.",
    discussion: """
      Proves the present seal with its shares, its recovery shares or its passphrase, then makes \
      the new one. The keys themselves do not change. Once the new shares are written, they are \
      shown to the server, and the old seal goes: if anything fails before, the old one still opens.

        keyward operator rekey --share-file old.txt --shares 7 --out new.txt
        keyward operator rekey --share-file old.txt --seal passphrase
        keyward operator rekey --confirm --share-file new.txt
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
  @Flag(help: "Only confirm an earlier rekey, with the new shares.")
  var confirm = false
  @OptionGroup
  var bytes: ByteOutput
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let request = try seal.request()
    let client = try server.client()
    var parts = try proof(try client.status())
    if confirm {
      _ = try client.confirmRekey(try SecretInput.lines(parts))
      return StandardStream.error("Confirmed: the seal of before is gone.\n")
    }
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
    var made: SecretBox?
    try SealOptions.write(to: bytes, output.format) {
      let shares = try client.rekey(request, input: input)
      made = shares
      return shares
    }
    // They arrived and are written: now the old seal may go.
    if let made { _ = try client.confirmRekey(made) }
  }

  private func proof(_ status: SealStatus) throws -> [SecretBox] {
    if let passphraseFile {
      return [try SecretInput.passphrase(passphraseFile, prompt: "", confirming: false)]
    }
    if shareFile.isEmpty, status.seal == SealKind.passphrase.rawValue {
      return [try Prompt.secret("Present passphrase: ")]
    }
    return try SecretInput.shares(shareFile, status)
  }
}
