import KeywardModel

/// Audit entries in the form for people.
enum AuditText {
  static func list(_ entries: [AuditEntryInfo]) -> String {
    guard !entries.isEmpty else { return "No entries." }
    var table = Table([
      "INDEX", "TIME", "PRINCIPAL", "OPERATION", "RESOURCE", "OUTCOME", "REQUEST",
    ])
    for entry in entries {
      table.add([
        String(entry.index), entry.time, entry.principal, entry.operation, entry.resource,
        entry.outcome, entry.requestID,
      ])
    }
    return table.text
  }

  /// One entry on one line, for a log that is followed.
  static func line(_ entry: AuditEntryInfo) -> String {
    Table.printable(
      [
        String(entry.index), entry.time, entry.principal, entry.operation, entry.resource,
        entry.outcome, entry.requestID,
      ].joined(separator: "  ")
    )
  }
}
