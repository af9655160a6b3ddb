import KeywardCrypto
import Testing

@Suite
struct ScryptTests {
  /// Parameters come from files, and may not exhaust the host: logN, r, p, length.
  @Test(arguments: [
    (0, 8, 1, 32), (25, 8, 1, 32), (21, 8, 1, 32), (14, 0, 1, 32), (14, 8, 0, 32),
    (14, 1025, 1, 32), (14, 8, 1025, 32), (14, 8, 1, 0), (14, 8, 1, 4097), (-1, 8, 1, 32),
    (Int.max, Int.max, Int.max, Int.max),
  ])
  func refusesParameters(logN: Int, r: Int, p: Int, count: Int) throws {
    let passphrase = try secret([1])
    #expect(throws: CryptoError.invalidInput("scrypt parameters")) {
      _ = try Scrypt.derive(
        passphrase: passphrase,
        salt: [],
        logN: logN,
        r: r,
        p: p,
        count: count
      )
    }
  }
}
