import ArgumentParser
import KeywardClient
import KeywardCrypto
import KeywardModel

struct OperatorUnseal: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unseal",
    abstract: "Give shares or the passphrase, so that the server can use its keys.",
    discussion: """
      A key-file or credential seal opens by itself, here too; its recovery shares are given as \
      files. Otherwise, without a file, it asks for one share or the passphrase, without echo. \
      Each holder may run it on their own: the server counts. A file may hold several shares.
      """
  )

  @OptionGroup
  var server: ServerOptions
  @Option(help: "Read shares from this file, or - (may be given several times).")
  var shareFile: [String] = []
  @Option(help: "Read the passphrase from this file, or -.")
  var passphraseFile: String?
  @Flag(
    help: """
      Accept a database that is older than its anchor. Only after a restore that you made \
      yourself: what was changed since is gone, destroyed keys may be back.
      """
  )
  var acceptRollback = false
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let client = try server.client()
    let status = try client.unseal(try input(client), acceptingRollback: acceptRollback)
    try output.print(status) { OperatorStatus.text(status) }
  }

  private func input(_ client: KeywardClient) throws -> SecretBox {
    if let passphraseFile {
      return try SecretInput.passphrase(passphraseFile, prompt: "", confirming: false)
    }
    if !shareFile.isEmpty {
      return try SecretInput.lines(
        try shareFile.map { try SecretInput.line(try SecretInput.secret($0)) }
      )
    }
    let status = try client.status()
    guard status.initialized else {
      throw CommandFailure(
        .sealed,
        "The store is not initialized.",
        remedy: "Run 'keyward operator init' first."
      )
    }
    if status.seal == SealKind.keyFile.rawValue || status.seal == SealKind.credential.rawValue {
      // The server opens this seal by itself; recovery shares are given as files.
      return SecretBox(try SecretBytes(count: 0))
    }
    let question = status.seal == SealKind.passphrase.rawValue ? "Passphrase: " : "Share: "
    return try Prompt.secret(question)
  }
}
