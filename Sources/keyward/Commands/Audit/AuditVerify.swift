import ArgumentParser
import Glibc
import KeywardAudit
import KeywardCrypto
import KeywardSystem

struct AuditVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check an export offline with the log's public key; exit status 7 on any damage.",
    discussion: """
      The key must come from somewhere other than the export and, best, other than the server's \
      disk. A checkpoint that you kept finds a log that was cut or rewritten since.

        keyward audit verify audit.log --key-file log.vkey --checkpoint kept.note
      """
  )

  @Argument(help: "The export.")
  var path: String
  @Option(help: "The verifier key, as NAME+HASH+KEY.")
  var key: String?
  @Option(help: ArgumentHelp("A file with the verifier key.", valueName: "file"))
  var keyFile: String?
  @Option(
    help: ArgumentHelp(
      "A checkpoint of this log that you kept (may be given several times).",
      valueName: "file"
    )
  )
  var checkpoint: [String] = []
  @OptionGroup
  var output: OutputOptions

  func validate() throws {
    guard (key == nil) != (keyFile == nil) else {
      throw ValidationError("Give either --key or --key-file.")
    }
  }

  /// What the command prints with `--output json`.
  private struct Report: Encodable {
    struct Finding: Encodable {
      let kind: String
      let from: UInt64
      let to: UInt64
      let line: UInt64?
    }

    let clean: Bool
    let entries: UInt64
    let checkpoints: UInt64
    /// Checkpoints given that this export could not be compared with.
    let uncompared: UInt64
    let size: UInt64?
    let findings: [Finding]
    let suppressed: UInt64
  }

  func run() throws {
    let verifierKey = try readKey()
    var reader = AuditExportReader(
      key: verifierKey,
      known: try checkpoint.map { try readCheckpoint($0, verifierKey) }
    )
    let file = try FileDescriptor.open(path, O_RDONLY)
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = try chunk.withUnsafeMutableBytes { try file.read(into: $0, from: path) }
      if count == 0 { break }
      reader.feed(Array(chunk[..<count]))
    }
    try tell(reader.finish())
  }

  private func tell(_ report: AuditReport) throws {
    let shown = Report(
      clean: report.isClean,
      entries: report.entries,
      checkpoints: report.checkpoints,
      uncompared: report.uncompared,
      size: report.last?.size,
      findings: report.findings.map {
        Report.Finding(
          kind: $0.kind.rawValue,
          from: $0.entries.lowerBound,
          to: $0.entries.upperBound,
          line: $0.line
        )
      },
      suppressed: report.suppressed
    )
    try output.print(shown) {
      var lines = report.findings.map(\.description)
      if report.suppressed > 0 { lines.append("and \(report.suppressed) more") }
      let words = report.isClean ? "Clean" : "DAMAGED"
      lines.append("\(words): \(report.entries) entries, \(report.checkpoints) checkpoints.")
      if report.uncompared > 0 {
        lines.append("\(report.uncompared) given checkpoints could not be compared.")
      }
      return lines.joined(separator: "\n")
    }
    if !report.isClean { throw ExitCode(ExitStatus.verificationFailed.rawValue) }
  }

  private func readKey() throws -> NoteVerifierKey {
    var text = key ?? ""
    if let keyFile { text = try read(keyFile) }
    let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    do {
      return try NoteVerifierKey(parsing: line)
    } catch {
      throw CommandFailure(
        .usage,
        "The verifier key is none.",
        remedy: "It is verifier_key of 'keyward audit checkpoint --output json'."
      )
    }
  }

  private func readCheckpoint(_ path: String, _ key: NoteVerifierKey) throws -> Checkpoint {
    do {
      return try Checkpoint(
        verifying: try SignedNote(parsing: Array(try read(path).utf8)),
        by: key
      )
    } catch let error as AuditError {
      throw CommandFailure(
        .verificationFailed,
        "\(path) is no checkpoint of this log: \(error)."
      )
    }
  }

  private func read(_ path: String) throws -> String {
    let data = try SecretInput.data(path, limit: SignedNote.maximumSize)
    return String(decoding: data.bytes.revealed(), as: UTF8.self)
  }
}
