import ArgumentParser
import KeywardModel
import KeywardStore

struct BackupRestore: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Verify a backup and make a data folder of it, without a server.",
    discussion: """
      Needs the shares, passphrase or key file of the time of the backup. Without --replace the \
      folder must be missing or empty; with it, the store there is kept aside, and what it had \
      tightened stays tight. The next unseal asks to accept the rollback, always:

        keyward backup restore keyward.backup --data-dir /var/lib/keyward
        keyward operator unseal --accept-rollback
      """
  )

  @Argument(help: "The backup, or - for standard input.")
  var path: String
  @Option(help: ArgumentHelp("The data folder.", valueName: "folder"))
  var dataDir: String
  @Option(help: ArgumentHelp("The anchor file, if it is elsewhere.", valueName: "file"))
  var anchorFile: String?
  @Flag(help: "Take the place of the store in the folder.")
  var replace = false
  @Flag(help: "With --replace: also when that store is damaged.")
  var ignoreDamage = false
  @OptionGroup
  var seal: OfflineSeal
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    guard replace || !ignoreDamage else {
      throw ValidationError("--ignore-damage goes with --replace.")
    }
  }

  /// What the command prints with `--output json`.
  private struct Report: Encodable {
    let store: String
    let createdAt: String
    let counter: UInt64
    let keys: Int
    /// Keys that were tightened again, as the store in place had them.
    let carriedOver: [String]
    /// Keys that only the store in place had.
    let lost: [String]
    let keptAside: String?

    enum CodingKeys: String, CodingKey {
      case store
      case createdAt = "created_at"
      case counter
      case keys
      case carriedOver = "carried_over"
      case lost
      case keptAside = "kept_aside"
    }
  }

  func run() throws {
    let summary = try OfflineStore.restore(
      path,
      into: dataDir,
      anchor: anchorFile,
      mode: replace ? .replace(ignoringDamage: ignoreDamage) : .newStore,
      seal
    )
    let report = Report(
      store: summary.header.store.description,
      createdAt: summary.header.createdAt.rfc3339,
      counter: summary.header.counter,
      keys: summary.keys,
      carriedOver: summary.carriedOver,
      lost: summary.lost,
      keptAside: summary.keptAside
    )
    try output.print(report) {
      Table.pairs(
        [
          ("Restored", dataDir),
          ("Store", report.store),
          ("Backup of", report.createdAt),
          ("Keys", String(report.keys)),
          ("Kept aside", report.keptAside),
        ] + report.carriedOver.map { ("Tightened", $0) } + report.lost.map { ("Lost key", $0) }
          + [("Next", "start the server, then: keyward operator unseal --accept-rollback")]
      )
    }
  }
}
