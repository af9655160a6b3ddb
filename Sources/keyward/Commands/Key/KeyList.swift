import ArgumentParser
import KeywardClient
import KeywardModel

struct KeyList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List keys by name."
  )

  @Option(help: "Only names that begin so, as etcd/.")
  var prefix = ""
  @Flag(help: "Deleted keys too: their names are free, their records stay.")
  var deleted = false
  @Option(help: "At most so many keys.")
  var limit = 10_000
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    guard (1...1_000_000).contains(limit) else {
      throw ValidationError("--limit must be within 1 and 1000000.")
    }
  }

  func run() throws {
    let client = try server.client()
    var keys: [KeyInfo] = []
    var cursor: String?
    repeat {
      let page = try client.listKeys(
        prefix: prefix,
        limit: min(1000, limit - keys.count),
        cursor: cursor,
        includingDeleted: deleted
      )
      keys += page.keys
      cursor = page.nextCursor
    } while cursor != nil && keys.count < limit
    try output.print(keys) { KeyText.list(keys) }
  }
}
