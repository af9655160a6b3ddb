import COpenSSL

/// Known-answer tests of every primitive, to be run before the first request.
///
/// In the manner of FIPS 140-3 (10.3.A): an OpenSSL that is broken, patched or built wrong is found
/// before it touches a key. Takes well under 200 ms.
package enum SelfTest {
  /// The names of the tests, in the order they run.
  package static let names = tests.map(\.name)

  /// Runs all; the first that gives another answer throws `selfTestFailed` with its name.
  package static func run() throws(CryptoError) {
    try run(flipping: nil)
  }

  /// Runs all with one bit of the expected answer of one test flipped, to prove that it can fail.
  ///
  /// A name that no test has is `invalidInput`.
  package static func run(flipping name: String?) throws(CryptoError) {
    if let name, !names.contains(name) { throw .invalidInput("no such self-test") }
    OpenSSL.prepare()
    for test in tests {
      let passed: Bool
      do throws(CryptoError) {
        passed = try test.body(Expectation(flipped: test.name == name))
      } catch .outOfSecureMemory {
        throw .outOfSecureMemory
      } catch {
        throw .selfTestFailed(test.name)
      }
      guard passed else { throw .selfTestFailed(test.name) }
    }
  }

  /// A test: compares what the primitive gives with what `Expectation` says.
  struct Test: Sendable {
    let name: String
    let body: @Sendable (Expectation) throws(CryptoError) -> Bool
  }

  /// The expected answer, as written or with a bit flipped.
  struct Expectation: Sendable {
    let flipped: Bool

    func answer(_ hex: String) -> [UInt8] {
      var bytes = KnownAnswers.bytes(hex)
      if flipped, let last = bytes.indices.last { bytes[last] ^= 1 }
      return bytes
    }

    func matches(_ found: [UInt8], _ hex: String) -> Bool {
      constantTimeEquals(found, answer(hex))
    }

    func matches(_ found: borrowing SecretBytes, _ hex: String) -> Bool {
      // The answers of self-tests are public.
      constantTimeEquals(found.revealed(), answer(hex))
    }
  }

  private static let tests = symmetricTests + asymmetricTests + [random]

  /// Two draws differ and neither is zero (SP 800-90B asks more of the source, not of its user).
  private static let random = Test(name: "drbg") { expected throws(CryptoError) in
    let zero = try SecretBytes(count: 32)
    let first = try SecretBytes.random(count: 32)
    let second = try SecretBytes.random(count: 32)
    let alike =
      first.constantTimeEquals(second) || first.constantTimeEquals(zero)
      || second.constantTimeEquals(zero)
    return expected.matches([alike ? 1 : 0], "00")
  }
}
