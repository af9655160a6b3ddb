import ArgumentParser
import KeywardClient
import KeywardModel

struct KeyRotate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotate",
    abstract: "Make a new version that protects from now on; the old ones still decrypt and verify."
  )

  @Argument(help: "The key's name.")
  var name: KeyNameArgument
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let client = try server.client()
    let key = try client.rotateKey(name.name)
    // Who may not see exports is not told of copies.
    let copies = (try? client.listExports(ExportFilter(key: name.name, limit: 1000)))?.exports ?? []
    let offer = Self.offer(copies)
    try output.print(key) { ([KeyText.details(key)] + offer).joined(separator: "\n") }
    if output.format != .table, !offer.isEmpty {
      StandardStream.error(offer.joined(separator: "\n") + "\n")
    }
  }

  /// What renews the copies that clouds have of older versions.
  private static func offer(_ exports: [ExportInfo]) -> [String] {
    let behind = exports.filter {
      $0.isBehind && $0.mode != "file" && ["delivered", "proved"].contains($0.state)
    }
    guard !behind.isEmpty else { return [] }
    return ["Copies that have an older version, and how to rotate them:"]
      + behind.map {
        "  \($0.destination), version \($0.version): keyward export renew \($0.id) --rotate"
      }
  }
}
