package import KeywardModel

/// What a check of a store found.
package struct CheckReport: Hashable, Sendable {
  /// Whether MACs were verified, which takes the root key; without it only the structure was.
  package let authenticated: Bool
  /// Rows read by table.
  package let checked: [String: Int]
  /// What is wrong, at most some thousand.
  package let findings: [Finding]

  /// Whether nothing is wrong; warnings aside.
  package var isClean: Bool { findings.allSatisfy(\.isWarning) }

  /// The report and one more finding, if there is one.
  func adding(_ finding: Finding?) -> CheckReport {
    guard let finding else { return self }
    return CheckReport(
      authenticated: authenticated,
      checked: checked,
      findings: findings + [finding]
    )
  }

  /// The form of the API and the command line.
  package var wire: FsckReport {
    FsckReport(
      authenticated: authenticated,
      checked: checked,
      findings: findings.map {
        FsckReport.Finding(
          severity: $0.isWarning ? .warning : .error,
          table: $0.table,
          row: $0.row,
          problem: "\($0.problem); \($0.remedy)"
        )
      }
    )
  }
}
