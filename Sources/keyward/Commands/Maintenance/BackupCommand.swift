import ArgumentParser
import KeywardClient

struct BackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Make and restore encrypted backups of the store.",
    discussion: """
        keyward backup create --out keyward.backup         # from a running server
        keyward backup restore keyward.backup --data-dir /var/lib/keyward
      """,
    subcommands: [BackupCreate.self, BackupRestore.self]
  )
}

struct BackupCreate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Write an encrypted, consistent copy of the store while it serves.",
    discussion: """
      It opens with the seal the store has now: keep its shares or passphrase as long as the \
      backup.
      """
  )

  @Option(
    name: .customLong("out"),
    help: ArgumentHelp("The file (mode 0600), or - for standard output.", valueName: "file")
  )
  var path: String
  @OptionGroup
  var server: ServerOptions

  func run() throws {
    let client = try server.client()
    try StreamFile.write(to: path) { try client.createBackup(to: $0) }
  }
}
