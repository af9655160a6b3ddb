import ArgumentParser
import KeywardClient
import KeywardModel

/// A kind of record, for the commands that are the same for all kinds.
protocol RegistryNoun {
  associatedtype Document: WireRequest & Encodable
  static var kind: RegistryKind { get }
  /// As in "a cluster".
  static var word: String { get }
  static func details(_ document: Document) -> String
}

/// `list` of a kind of record.
struct RegistryList<Noun: RegistryNoun>: ParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(commandName: "list", abstract: "List the names of all.")
  }

  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let client = try server.client()
    var names: [String] = []
    var cursor: String?
    repeat {
      let page = try client.listRecords(Noun.kind, limit: 1000, cursor: cursor)
      names += page.names
      cursor = page.nextCursor
    } while cursor != nil
    try output.print(names) {
      names.isEmpty ? "None." : names.map(Table.printable).joined(separator: "\n")
    }
  }
}

/// `get` of a kind of record.
struct RegistryGet<Noun: RegistryNoun>: ParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "get",
      abstract: "Show one; with --output yaml in the form that 'put -f' takes."
    )
  }

  @Argument(help: "The name.")
  var name: RegistryNameArgument
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let document: Noun.Document = try server.client().record(Noun.kind, name.name)
    try output.print(document) { Noun.details(document) }
  }
}

/// `delete` of a kind of record.
struct RegistryDelete<Noun: RegistryNoun>: ParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "delete",
      abstract: "Remove one: its identities are none from then on."
    )
  }

  @Argument(help: "The name.")
  var name: RegistryNameArgument
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    _ = try server.client().deleteRecord(Noun.kind, name.name)
    try output.print(["deleted": name.name.description]) {
      "Deleted the \(Noun.word) \(name.name)."
    }
  }
}

/// What the `put` commands have in common: a name, a file, or the options of the commands.
struct RecordOptions: ParsableArguments {
  @Argument(help: "The name; not needed if the file has it.")
  var name: RegistryNameArgument?
  @Option(
    name: [.customShort("f"), .long],
    help: ArgumentHelp("YAML or JSON of one or more records, or -.", valueName: "file")
  )
  var file: String?

  /// The name, where there is no file to have it.
  func named() throws -> RegistryName {
    guard let name else {
      throw CommandFailure(
        .usage,
        "The record needs a name.",
        remedy: "Give it, or a file with -f."
      )
    }
    return name.name
  }

  /// Refuses options beside a file, which would be in doubt.
  func check(hasOptions: Bool) throws {
    guard file == nil || !hasOptions else {
      throw ValidationError("Give the record either by -f or by options.")
    }
  }
}

extension RegistryNoun {
  /// Writes records one after the other and prints them as the server has them.
  static func put(
    _ records: [RecordFile.Record<Document>],
    _ server: ServerOptions,
    _ output: OutputOptions
  ) throws {
    let client = try server.client()
    var written: [Document] = []
    for record in records {
      written.append(try client.writeRecord(kind, record.name, record.document))
    }
    if written.count == 1 { return try output.print(written[0]) { details(written[0]) } }
    try output.print(written) { written.map(details).joined(separator: "\n\n") }
  }
}
