import ArgumentParser
import KeywardClient
import KeywardModel

struct ExportList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the exports that you may see, newest first."
  )

  @Option(help: "Only of this key.")
  var key: KeyNameArgument?
  @Option(help: "Only to this destination.")
  var destination: RegistryNameArgument?
  @Option(help: "Only in this state, as delivered.")
  var state: String?
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let filter = ExportFilter(
      key: try key?.name,
      destination: destination?.name.description,
      state: state
    )
    let exports = try Self.all(filter, try server.client())
    try output.print(exports) { ExportText.list(exports) }
  }

  static func all(_ filter: ExportFilter, _ client: KeywardClient) throws -> [ExportInfo] {
    var filter = filter
    filter.limit = 1000
    var exports: [ExportInfo] = []
    repeat {
      let page = try client.listExports(filter)
      exports += page.exports
      filter.cursor = page.nextCursor
    } while filter.cursor != nil
    return exports
  }
}

struct ExportShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show one export with all that is known of the copy."
  )

  @Argument(help: "Its id.")
  var id: IdentifierArgument<IdentifierKinds.Export>
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let export = try server.client().showExport(id.id)
    try output.print(export) { ExportText.details(export) }
  }
}

struct ExportStatus: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "What needs attention: copies that end within 30, 7 or 1 days, are behind or wait.",
    discussion: "The exit status is 7 if a copy is over, contradicted, or under way without an end."
  )

  @Option(help: "Only of this key.")
  var key: KeyNameArgument?
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let all = try ExportList.all(ExportFilter(key: try key?.name), try server.client())
    let shown = all.filter { export in
      export.warning != nil || ["sending", "contradicted"].contains(export.state)
        || export.providerState == "pending-rotation"
        || export.isBehind && ["delivered", "proved"].contains(export.state)
          && export.mode != "file"
    }
    try output.print(shown) {
      shown.isEmpty ? "Nothing needs attention." : ExportText.list(shown)
    }
    let bad = shown.filter {
      $0.warning == "over" || ["sending", "contradicted"].contains($0.state)
    }
    guard bad.isEmpty else {
      throw CommandFailure(
        .verificationFailed,
        "\(bad.count) of the exports need something done.",
        remedy: "Renew what is over (keyward export renew), find out about what is sending "
          + "(keyward export resume), and look at what is contradicted (keyward export show)."
      )
    }
  }
}

struct ExportRenew: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "renew",
    abstract: "Import a copy again, or with --rotate bring the key's newest version.",
    discussion: """
      The same destination, algorithm and rights as the export; the former record is superseded once \
      the new copy has arrived.
      """
  )

  @Argument(help: "The id of the export.")
  var id: IdentifierArgument<IdentifierKinds.Export>
  @Flag(help: "Bring the newest version, as new material where the provider has that.")
  var rotate = false
  @Option(help: ArgumentHelp("When the material ends there. (default: never)", valueName: "time"))
  var validUntil: String?
  @Option(help: ArgumentHelp("Of a bundle: the provider's new parameters.", valueName: "file"))
  var parameters: String?
  @OptionGroup
  var file: ByteOutput
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let client = try server.client()
    let prepared = try client.renewExport(
      id.id,
      RenewExportRequest(
        rotate: rotate ? true : nil,
        validUntil: validUntil,
        parameters: try parameters.map { try TextFile.read($0, limit: 1 << 16) }
      )
    )
    guard prepared.mode == "push" || file.path != nil else {
      throw CommandFailure(.usage, "The renewal of a bundle needs --parameters and --out.")
    }
    try ExportCompletion.run(prepared, client, file, output)
  }
}

struct ExportVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Ask the provider how a copy is, and compare it with the key.",
    discussion: "Exit status 7 if the copy is another key."
  )

  @Argument(help: "The id of the export.")
  var id: IdentifierArgument<IdentifierKinds.Export>
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let export = try server.client().verifyExport(id.id)
    try output.print(export) { ExportText.details(export) }
    guard export.state != "contradicted" else {
      throw CommandFailure(.verificationFailed, "The copy is not the key.")
    }
  }
}

struct ExportResume: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Find out what became of an export that broke off, and bring it to an end.",
    discussion: "Nothing is sent again: an import token that may be spent is never used twice."
  )

  @Argument(help: "The id of the export.")
  var id: IdentifierArgument<IdentifierKinds.Export>
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let export = try server.client().resumeExport(id.id)
    try output.print(export) { ExportText.details(export) }
  }
}

struct ExportRetire: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retire",
    abstract: "Say that a copy is gone, so that it holds its key back no more."
  )

  @Argument(help: "The id of the export.")
  var id: IdentifierArgument<IdentifierKinds.Export>
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let export = try server.client().retireExport(id.id)
    try output.print(export) { ExportText.details(export) }
  }
}
