/// Why the pipeline commands cannot go on: public words and what to do, never a value.
package struct PipelineError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Kind: Sendable {
    /// A file, reference, option or name that is not in its form.
    case input
    /// A value that its place cannot carry.
    case value
    /// A signature, MAC or expiry that does not hold.
    case verification
    /// The operating system or the locked memory.
    case failed
  }

  /// Where in a text: lines and columns from 1, columns in Unicode scalars.
  package struct Place: Equatable, Sendable, CustomStringConvertible {
    package let file: String
    package let line: Int
    package let column: Int

    package init(file: String, line: Int, column: Int) {
      self.file = file
      self.line = line
      self.column = column
    }

    package var description: String { "\(file):\(line):\(column)" }
  }

  package let kind: Kind
  package let place: Place?
  /// What is wrong: one sentence with its period.
  package let message: String
  package let remedy: String?

  package init(_ kind: Kind, at place: Place? = nil, _ message: String, remedy: String? = nil) {
    self.kind = kind
    self.place = place
    self.message = message
    self.remedy = remedy
  }

  /// No locked memory, or OpenSSL failed.
  package static let outOfSecureMemory = PipelineError(
    .failed,
    "There is no locked memory left for secrets.",
    remedy: "Raise RLIMIT_MEMLOCK (ulimit -l)."
  )

  /// The message with its place before it.
  package var description: String {
    guard let place else { return message }
    return "\(place): \(message)"
  }
}
