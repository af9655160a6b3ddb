/// One damage to a log, with its place.
package struct AuditFinding: Equatable, Sendable {
  /// What was found; the raw value is a stable code.
  package enum Kind: String, Sendable, CaseIterable {
    /// A line of an export that its format does not know.
    case malformedLine = "malformed-line"
    /// An entry that is not canonical JSON of the schema.
    case malformedEntry = "malformed-entry"
    /// This entry is not the one that was logged.
    case entryChanged = "entry-changed"
    /// The entry is the one that was logged, the hash stored beside it is not.
    case leafHashChanged = "leaf-hash-changed"
    /// The entries are those that were logged, the hashes of their range are not.
    case rangeHashesChanged = "range-hashes-changed"
    /// The stored frontier does not have the root of its signed checkpoint.
    case frontierChanged = "frontier-changed"
    /// Somewhere among these entries one was changed, added or taken away.
    case entriesChanged = "entries-changed"
    /// Entries are missing here.
    case missing
    /// The entry before stands here again.
    case duplicated
    /// An entry stands where its index does not belong: moved here, or copied.
    case outOfOrder = "out-of-order"
    /// The index in the entry is not that of its database row.
    case indexMismatch = "index-mismatch"
    /// The log ends before the place that is vouched for.
    case truncated
    /// Entries that no checkpoint covers.
    case uncovered
    /// Entries whose beginning nothing vouches for.
    case unanchored
    /// A checkpoint that names the key and does not verify.
    case badSignature = "bad-signature"
    /// A checkpoint, or the export's header, of another key.
    case wrongKey = "wrong-key"
    /// A checkpoint, or the export's header, of another log.
    case foreignLog = "foreign-log"
    /// A checkpoint that stands after entries it does not cover, or out of order.
    case misplacedCheckpoint = "misplaced-checkpoint"
    /// Two signed checkpoints that no one log has: the signer told two histories.
    case forked
    /// The entries do not lead to a checkpoint that the verifier held before.
    case contradictsKnown = "contradicts-known"
    /// Nothing signed was found at all.
    case noCheckpoint = "no-checkpoint"
  }

  /// What was found.
  package let kind: Kind
  /// The entries it concerns; an empty range is a place between entries.
  package let entries: Range<UInt64>
  /// The line of the export, counted from 1.
  package let line: UInt64?
}

extension AuditFinding: CustomStringConvertible {
  /// One line for an operator, such as `entry-changed: entry 17, line 23`.
  package var description: String {
    var text = kind.rawValue + ": "
    switch entries.count {
    case 0: text += "before entry \(entries.lowerBound)"
    case 1: text += "entry \(entries.lowerBound)"
    default: text += "entries \(entries.lowerBound) to \(entries.upperBound - 1)"
    }
    if let line { text += ", line \(line)" }
    return text
  }
}

/// What a verification found out.
package struct AuditReport: Equatable, Sendable {
  /// The damages, about in the order of the log, at most ``maximumFindings``.
  package private(set) var findings: [AuditFinding] = []
  /// How many more there were.
  package private(set) var suppressed: UInt64 = 0
  /// How many entries were read.
  package internal(set) var entries: UInt64 = 0
  /// How many checkpoints had a valid signature.
  package internal(set) var checkpoints: UInt64 = 0
  /// The last checkpoint with a valid signature.
  package internal(set) var last: Checkpoint?
  /// Known checkpoints that this piece of log could not be compared with.
  package internal(set) var uncompared: UInt64 = 0

  /// The most findings that are kept.
  package static let maximumFindings = 1000

  /// Whether nothing at all was found.
  package var isClean: Bool { findings.isEmpty }

  /// The report with findings put before its own.
  func preceded(by first: [AuditFinding]) -> AuditReport {
    var report = self
    report.findings = first + findings
    return report
  }

  mutating func add(
    _ kind: AuditFinding.Kind,
    _ entries: Range<UInt64>,
    line: UInt64? = nil
  ) {
    guard findings.count < Self.maximumFindings else {
      suppressed += 1
      return
    }
    findings.append(AuditFinding(kind: kind, entries: entries, line: line))
  }
}
