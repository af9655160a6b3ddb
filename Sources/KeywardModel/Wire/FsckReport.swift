/// What `keyward fsck` found.
package struct FsckReport: Hashable, Sendable, Codable {
  /// One thing that is not as it has to be.
  package struct Finding: Hashable, Sendable, Codable {
    package enum Severity: String, Hashable, Sendable, Codable {
      case warning
      case error
    }

    package let severity: Severity
    package let table: String
    /// The row's key, as `name=etcd/prod-eu version=3`; empty for the table as a whole.
    package let row: String
    package let problem: String

    package init(severity: Severity, table: String, row: String, problem: String) {
      self.severity = severity
      self.table = table
      self.row = row
      self.problem = problem
    }
  }

  /// Whether there is no error among the findings.
  package let ok: Bool
  /// Whether row authentication was checked: needs the root key.
  package let authenticated: Bool
  /// Rows checked by table.
  package let checked: [String: Int]
  package let findings: [Finding]

  package init(authenticated: Bool, checked: [String: Int], findings: [Finding]) {
    ok = !findings.contains { $0.severity == .error }
    self.authenticated = authenticated
    self.checked = checked
    self.findings = findings
  }
}
