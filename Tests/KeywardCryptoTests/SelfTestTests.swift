import KeywardCrypto
import Testing

@Suite
struct SelfTestTests {
  @Test
  func passes() throws {
    try SelfTest.run()
    let start = ContinuousClock.now
    try SelfTest.run()
    print("self-tests: \(SelfTest.names.count) in \(ContinuousClock.now - start)")
  }

  /// A flipped answer must stop the server: a self-test that cannot fail tests nothing.
  @Test(arguments: SelfTest.names)
  func flips(name: String) {
    #expect(throws: CryptoError.selfTestFailed(name)) { try SelfTest.run(flipping: name) }
  }

  @Test
  func namesAreKnown() {
    #expect(Set(SelfTest.names).count == SelfTest.names.count)
    #expect(throws: CryptoError.invalidInput("no such self-test")) {
      try SelfTest.run(flipping: "nothing")
    }
  }
}
