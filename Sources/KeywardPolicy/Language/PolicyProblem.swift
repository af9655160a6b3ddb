/// A place in a file of policy, as editors count: lines and columns from 1.
package struct PolicyPlace: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let file: String
  package let line: Int
  package let column: Int

  package init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  package var description: String { "\(file):\(line):\(column)" }

  package static func < (left: PolicyPlace, right: PolicyPlace) -> Bool {
    (left.file, left.line, left.column) < (right.file, right.line, right.column)
  }
}

/// One thing that is wrong in a policy: where, what, and what to do.
package struct PolicyProblem: Error, Hashable, Sendable, CustomStringConvertible {
  package let place: PolicyPlace?
  package let message: String

  package init(_ place: PolicyPlace?, _ message: String) {
    self.place = place
    self.message = message
  }

  package var description: String {
    guard let place else { return message }
    return "\(place): \(message)"
  }
}

/// The policy is not taken as it is: all that was found wrong, at most 50, in the order of the files.
package struct PolicyError: Error, Hashable, Sendable, CustomStringConvertible {
  package static let mostProblems = 50

  /// Never empty.
  package let problems: [PolicyProblem]

  package init(_ problems: [PolicyProblem]) {
    self.problems = Array(problems.prefix(Self.mostProblems))
  }

  package var description: String {
    problems.map(\.description).joined(separator: "\n")
  }
}
