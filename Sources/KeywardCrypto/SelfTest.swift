/// Known-answer tests of every primitive, to be run before the first request.
package enum SelfTest {
  /// The names of the tests, in the order they run.
  package static let names: [String] = []

  /// Runs all; the first that gives another answer throws `selfTestFailed` with its name.
  package static func run() throws(CryptoError) {
    try run(flipping: nil)
  }

  /// The same with one bit of the expected answer of a test flipped, to prove that it can fail.
  package static func run(flipping name: String?) throws(CryptoError) {}
}
