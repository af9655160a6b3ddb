import ArgumentParser
import FoundationEssentials
import Glibc
import KeywardClient
import KeywardModel

struct AuditTail: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tail",
    abstract: "Show the newest audit entries, and go on with --follow.",
    discussion: "Reading the log is audited as well: following it adds entries of its own."
  )

  @Option(name: [.customShort("n"), .long], help: "How many entries.")
  var lines = 20
  @Flag(name: .shortAndLong, help: "Wait for more.")
  var follow = false
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    guard (1...1000).contains(lines) else {
      throw ValidationError("--lines must be within 1 and 1000.")
    }
    guard !follow || output.format != .yaml else {
      throw ValidationError("--follow prints lines: use --output table or json.")
    }
  }

  func run() throws {
    let client = try server.client()
    // The newest size is part of every page: ask for one entry to learn it.
    let size = try client.auditEntries(from: 0, limit: 1).size
    let start = size > UInt64(lines) ? size - UInt64(lines) : 0
    var page = try client.auditEntries(from: start, limit: lines)
    guard follow else {
      let entries = page.entries
      return try output.print(entries) { AuditText.list(entries) }
    }
    var next = start
    while true {
      for entry in page.entries {
        StandardStream.output(try text(entry))
        next = entry.index + 1
      }
      usleep(1_000_000)
      page = try client.auditEntries(from: next, limit: 1000)
    }
  }

  private func text(_ entry: AuditEntryInfo) throws -> String {
    guard output.format == .json else { return AuditText.line(entry) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(entry), as: UTF8.self)
  }
}
