import ArgumentParser
import KeywardModel

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version",
    abstract: "Print the version of this program."
  )

  @OptionGroup
  var output: OutputOptions

  func run() throws {
    try output.print(["version": ProductVersion.current]) { "keyward \(ProductVersion.current)" }
  }
}
