import ArgumentParser
import KeywardClient
import KeywardCrypto
import KeywardModel

struct OperatorInit: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Make a new store's root key and seal it.",
    discussion: """
      Prints the shares, once. Nobody can show them again: keep them apart, offline.

        keyward operator init --shares 5 --threshold 3 --out shares.txt
        keyward operator init --seal passphrase
        keyward operator init --seal key-file      # shares are for recovery
      """
  )

  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var seal: SealOptions
  @Option(help: "Read the new passphrase from this file, or - (default: ask).")
  var passphraseFile: String?
  @OptionGroup
  var bytes: ByteOutput
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let request = try seal.request()
    let passphrase: SecretBox
    if seal.seal != .passphrase {
      passphrase = SecretBox(try SecretBytes(count: 0))
    } else {
      passphrase = try SecretInput.passphrase(
        passphraseFile,
        prompt: "New passphrase: ",
        confirming: true
      )
    }
    let client = try server.client()
    try SealOptions.write(to: bytes, output.format) {
      try client.initialize(request, passphrase: passphrase)
    }
  }
}
