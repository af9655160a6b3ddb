import ArgumentParser
import KeywardClient
import KeywardModel
import KeywardPipeline

struct BundleReport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Bring the openings of the local journal to the audit log of the server.",
    discussion: """
      Each value that was opened gets an entry under the identity of who reports, with the time that \
      the site says. What is reported stays in the journal, marked. Policy: bundle:report on \
      secrets/ENVIRONMENT/PROJECT/NAME.
      """
  )

  @Flag(help: "Report what is readable although lines of the journal were changed or removed.")
  var acceptBroken = false
  @OptionGroup
  var server: ServerOptions
  @OptionGroup
  var output: OutputOptions

  func run() throws {
    let journal = try OpeningRecord.journal()
    let state = try journal.read()
    if let line = state.brokenAt, !acceptBroken {
      throw CommandFailure(
        .verificationFailed,
        "\(journal.path):\(line): lines up to here were changed or removed.",
        remedy: "Look at it, tell who watches the audit log, then report with --accept-broken."
      )
    }
    guard !state.pending.isEmpty else {
      return try output.print(ReportedOpenings(recorded: 0)) { "Nothing is left to report." }
    }
    let client = try server.client()
    var recorded = 0
    let journalBroken = state.brokenAt == nil ? nil : true
    for part in Self.parts(state.pending) {
      let request = ReportOpeningsRequest(openings: part, journalBroken: journalBroken)
      recorded += try client.reportOpenings(request).recorded
    }
    try journal.addReport(at: SystemTime().now(), of: state)
    try output.print(ReportedOpenings(recorded: recorded)) {
      "\(state.pending.count) openings with \(recorded) values are in the audit log."
    }
  }

  /// Openings in requests of at most so many references as the server takes.
  private static func parts(_ openings: [BundleJournal.Opening]) -> [[BundleOpening]] {
    var parts: [[BundleOpening]] = []
    var left = 0
    for opening in openings {
      var references = opening.references[...]
      while !references.isEmpty {
        if left == 0 {
          parts.append([])
          left = SecretLimits.references
        }
        let some = references.prefix(left)
        references = references.dropFirst(some.count)
        left -= some.count
        parts[parts.count - 1].append(
          BundleOpening(
            openedAt: opening.time,
            bundle: opening.digest,
            environment: opening.environment,
            by: opening.by,
            references: Array(some)
          )
        )
      }
    }
    return parts
  }
}
