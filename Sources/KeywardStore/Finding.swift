/// One thing that is wrong with a store, and what to do about it.
package struct Finding: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The table, or `database`, `anchor`, `audit log`.
  package let table: String
  /// The row's key as an operator reads it; empty for what concerns the whole table.
  package let row: String
  /// What is wrong.
  package let problem: String
  /// What to do.
  package let remedy: String
  /// Whether the store works as it has to all the same.
  package let isWarning: Bool

  package init(
    table: String,
    row: String = "",
    problem: String,
    remedy: String,
    isWarning: Bool = false
  ) {
    self.table = table
    self.row = row
    self.problem = problem
    self.remedy = remedy
    self.isWarning = isWarning
  }

  package var description: String {
    row.isEmpty ? "\(table): \(problem)" : "\(table) \(row): \(problem)"
  }
}
