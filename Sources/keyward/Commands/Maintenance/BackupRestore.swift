import ArgumentParser

struct BackupRestore: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Make a new data folder from a backup, without a server.",
    discussion: """
      The folder must not hold a store. Start the server on it afterwards and unseal it with the \
      shares or passphrase of the time of the backup.
      """
  )

  @Argument(help: "The backup.")
  var path: String
  @Option(help: ArgumentHelp("The new data folder.", valueName: "folder"))
  var dataDir: String

  func run() throws {
    try OfflineStore.restore(path, into: dataDir)
    StandardStream.output("Restored into \(dataDir).")
  }
}
