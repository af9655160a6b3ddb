import ArgumentParser
import KeywardClient
import KeywardModel

struct AuditList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List audit entries from an index on."
  )

  @Option(help: "The first index.")
  var from: UInt64 = 0
  @Option(help: "At most so many entries.")
  var limit = 100
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    guard (1...100_000).contains(limit) else {
      throw ValidationError("--limit must be within 1 and 100000; 'audit export' takes all.")
    }
  }

  func run() throws {
    let client = try server.client()
    var entries: [AuditEntryInfo] = []
    var next: UInt64? = from
    while let start = next, entries.count < limit {
      let page = try client.auditEntries(from: start, limit: min(1000, limit - entries.count))
      entries += page.entries
      next = page.next
    }
    try output.print(entries) { AuditText.list(entries) }
  }
}
