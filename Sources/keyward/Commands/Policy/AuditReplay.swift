import ArgumentParser
import Glibc
import KeywardAudit
import KeywardClient
import KeywardModel
import KeywardPolicy
import KeywardSystem

/// The requests that an audit log tells of, over the API or from an export file.
struct AuditReplay {
  private(set) var entries: [PolicySimulation.Entry] = []
  /// The index in the log of each of `entries`.
  private(set) var indices: [UInt64] = []
  /// Entries that cannot be asked again, by why.
  private(set) var omitted: [AuditedRequest.Omission: Int] = [:]

  var used: [PolicyRequest] { entries.filter(\.wasAllowed).map(\.request) }

  private mutating func take(_ entry: AuditEntry) {
    do throws(AuditedRequest.Omission) {
      let audited = try AuditedRequest(entry.event)
      guard let resource = ResourcePath(audited.resource) else { throw .unknown }
      entries.append(
        PolicySimulation.Entry(
          request: PolicyRequest(
            principal: audited.principal,
            operation: audited.operation,
            resource: resource,
            time: audited.time,
            source: audited.source
          ),
          wasAllowed: audited.wasAllowed,
          rule: audited.rule
        )
      )
      indices.append(entry.index)
    } catch {
      omitted[error, default: 0] += 1
    }
  }

  // MARK: - Sources

  /// All entries of the server since `start` that are there now: reading is audited too, and adds more.
  init(_ client: KeywardClient, since start: Timestamp?) throws {
    let end = try client.auditEntries(from: 0, limit: 1).size
    var next: UInt64? = try start.map { try Self.first(since: $0, before: end, client) } ?? 0
    while let from = next, from < end {
      let page = try client.auditEntries(from: from, limit: 1000)
      for info in page.entries where info.index < end { take(try Self.entry(info)) }
      next = page.next
    }
  }

  /// The index of the first entry at or after a time, by halving: entries are in order of time.
  private static func first(
    since start: Timestamp,
    before end: UInt64,
    _ client: KeywardClient
  ) throws -> UInt64 {
    var low: UInt64 = 0
    var high = end
    while low < high {
      let middle = low + (high - low) / 2
      guard let info = try client.auditEntries(from: middle, limit: 1).entries.first else {
        return low
      }
      if Int64(clamping: try entry(info).event.time) < start.milliseconds {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }

  private static func entry(_ info: AuditEntryInfo) throws -> AuditEntry {
    guard let bytes = Base64.decode(info.encoded), let entry = try? AuditEntry(decoding: bytes)
    else {
      throw CommandFailure(
        .verificationFailed,
        "Entry \(info.index) of the server's audit log is damaged.",
        remedy: "Export the log and check it: keyward audit verify."
      )
    }
    return entry
  }

  /// All entries of an export file; whether it is whole is for `audit verify` to say.
  init(export path: String, since start: Timestamp?) throws {
    let file = try FileDescriptor.open(path, O_RDONLY)
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    var line: [UInt8] = []
    var number = 0
    var isExport = false
    while true {
      let count = try chunk.withUnsafeMutableBytes { try file.read(into: $0, from: path) }
      if count == 0 { break }
      for byte in chunk[..<count] {
        guard byte == 0x0a else {
          line.append(byte)
          guard line.count <= KeywardAudit.AuditExport.maximumLine else {
            throw Self.damaged(path, number + 1)
          }
          continue
        }
        number += 1
        if number == 1 { isExport = KeywardAudit.AuditExport.isMagic(line) }
        guard isExport else {
          throw CommandFailure(
            .usage,
            "\(path) is no export of an audit log.",
            remedy: "Make one with: keyward audit export --out FILE."
          )
        }
        if let bytes = KeywardAudit.AuditExport.entryBytes(ofLine: line) {
          guard let entry = try? AuditEntry(decoding: bytes) else {
            throw Self.damaged(path, number)
          }
          if Int64(clamping: entry.event.time) >= start?.milliseconds ?? 0 { take(entry) }
        }
        line.removeAll(keepingCapacity: true)
      }
    }
  }

  private static func damaged(_ path: String, _ line: Int) -> CommandFailure {
    CommandFailure(
      .verificationFailed,
      "\(path):\(line): this is no audit entry.",
      remedy: "Check the export: keyward audit verify."
    )
  }

  /// What was left out, a line each.
  var notes: [String] {
    omitted.sorted { $0.key.rawValue < $1.key.rawValue }
      .map { "\($0.value) entries left out: \($0.key.rawValue)." }
  }
}

/// Which part of which log.
struct ReplayOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Only entries since then: 30d ago, or 2027-01-31T00:00:00Z. (default: all)",
      valueName: "time"
    )
  )
  var since: Since?
  @Option(
    help: ArgumentHelp("An export instead of the server's log.", valueName: "file")
  )
  var export: String?

  func replay(_ server: ServerOptions) throws -> AuditReplay {
    guard let export else { return try AuditReplay(try server.client(), since: since?.start) }
    return try AuditReplay(export: export, since: since?.start)
  }
}

/// A moment: so long ago, or a time in UTC.
struct Since: ExpressibleByArgument {
  let start: Timestamp

  init?(argument: String) {
    if let ago = Seconds(argument: argument) {
      start = SystemTime().now().adding(seconds: -ago.value)
    } else if let time = Timestamp(rfc3339: argument) {
      start = time
    } else {
      return nil
    }
  }
}
