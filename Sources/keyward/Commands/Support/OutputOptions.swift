import ArgumentParser
import FoundationEssentials
import Yams

/// The form in which a command prints its result.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case table
  case json
  case yaml
}

/// `--output`, for every command that prints a result.
struct OutputOptions: ParsableArguments {
  @Option(name: [.customShort("o"), .customLong("output")], help: "Print as table, json or yaml.")
  var format = OutputFormat.table

  /// Prints a value; `table` makes the form for people, the others are the API's own names.
  func print(_ value: some Encodable, table: () -> String) throws {
    StandardStream.output(try text(value, table: table))
  }

  private func text(_ value: some Encodable, table: () -> String) throws -> String {
    switch format {
    case .table:
      return table()
    case .json:
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    case .yaml:
      let encoder = YAMLEncoder()
      encoder.options.sortKeys = true
      let text = try encoder.encode(value)
      return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
  }
}
