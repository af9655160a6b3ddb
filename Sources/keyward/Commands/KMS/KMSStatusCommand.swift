import ArgumentParser
import KeywardGRPC
import KeywardKMSPlugin

struct KMSStatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Show what a plugin says of itself; exit status 7 when it is not healthy."
  )

  @OptionGroup
  var plugin: KMSOptions
  @OptionGroup
  var output: OutputOptions

  private struct Report: Encodable {
    let version: String
    let healthz: String
    let keyID: String

    enum CodingKeys: String, CodingKey {
      case version
      case healthz
      case keyID = "key_id"
    }
  }

  func run() async throws {
    let client = try await plugin.connect()
    let report: Report
    do throws(GRPCStatus) {
      let status = try await client.status()
      report = Report(version: status.version, healthz: status.healthz, keyID: status.keyID)
    } catch {
      await client.close()
      throw CommandFailure(
        .verificationFailed,
        "The plugin is not healthy: \(error.code.name): \(Table.printable(error.message))"
      )
    }
    await client.close()
    try output.print(report) {
      Table.pairs([
        ("Version", report.version), ("Health", report.healthz), ("Key id", report.keyID),
      ])
    }
    if report.healthz != "ok" { throw ExitCode(ExitStatus.verificationFailed.rawValue) }
  }
}
