import KeywardCrypto
import KeywardKeyring
import KeywardModel
import Testing

@Suite
struct SealSecretTests {
  private func refusal(_ secret: borrowing SealSecret) -> KeyringError? {
    do throws(KeyringError) {
      try secret.checkForNewSeal()
      return nil
    } catch {
      return error
    }
  }

  @Test
  func randomFilesAreTaken() throws {
    for length in [32, 33, 64, 4096, 65_536] {
      #expect(refusal(try Fixtures.fileSecret(Fixtures.random(length))) == nil)
    }
  }

  @Test(arguments: [
    ("", "it has 0 bytes, at least 32 are needed"),
    (String(repeating: "x", count: 31), "it has 31 bytes, at least 32 are needed"),
    (String(repeating: "\0", count: 32), "its bytes are not random: nearly all are the same"),
    (String(repeating: "\0", count: 4096), "its bytes are not random: nearly all are the same"),
    (String(repeating: "abcdefg", count: 9), "its bytes are not random: nearly all are the same"),
    ("keyward-sample-key-file-0123456789abcdef", "it is a sample from the documentation"),
    ("CHANGEME0123456789abcdefghijklmnop", "it is a sample from the documentation"),
  ])
  func filesThatAreNoKeysAreRefused(content: String, reason: String) throws {
    #expect(
      refusal(try Fixtures.fileSecret(Array(content.utf8))) == .keyFileRefused(reason)
    )
  }

  @Test
  func tooLongAFileIsRefused() throws {
    #expect(
      refusal(try Fixtures.fileSecret(Fixtures.random(65_537)))
        == .keyFileRefused("it has 65537 bytes, at most 65536 are read")
    )
  }

  @Test(arguments: ["twelve chars", "zwölf Zeichen ist gut", "пароль-длинный", "🔑abcdefghijk"])
  func passphrasesOfTwelveCharactersAreTaken(text: String) throws {
    #expect(refusal(try Fixtures.passphrase(text)) == nil)
  }

  @Test(arguments: [
    ("", "it is shorter than 12 characters"),
    ("elevenchars", "it is shorter than 12 characters"),
    ("üüüüüüabcde", "it is shorter than 12 characters"),
    ("twelve chars\n", "it contains a control character"),
    ("twelve\u{0}chars", "it contains a control character"),
    ("twelve\u{7f}chars", "it contains a control character"),
    ("aaaaaaaaaaaaaaaaaaaa", "nearly all its characters are the same"),
    ("abababababababcdcdcd", "nearly all its characters are the same"),
    ("correct horse battery staple", "it is a sample from the documentation"),
    ("Password1234567", "it is a sample from the documentation"),
    (String(repeating: "abcdefgh", count: 129), "it is longer than 1024 bytes"),
  ])
  func weakPassphrasesAreRefused(text: String, reason: String) throws {
    #expect(refusal(try Fixtures.passphrase(text)) == .passphraseRefused(reason))
  }

  @Test
  func bytesThatAreNoTextAreRefused() throws {
    let bytes = Array("twelve chars and ".utf8) + [0xc3, 0x28]
    #expect(
      refusal(.passphrase(try SecretBytes.fixture(bytes)))
        == .passphraseRefused("it is not UTF-8 text")
    )
  }

  @Test(arguments: [
    (9, 8, 1), (21, 8, 1), (17, 0, 1), (17, 33, 1), (17, 8, 0), (17, 8, 17), (20, 8, 1),
    (Int.max, 8, 1), (17, Int.max, 1), (-1, 8, 1), (17, -1, 1),
  ])
  func scryptParametersOutOfRangeAreRefused(logN: Int, r: Int, p: Int) {
    #expect(throws: KeyringError.invalidSealParameter("scrypt parameters out of range")) {
      _ = try ScryptParameters(logN: logN, r: r, p: p)
    }
  }

  @Test
  func standardScryptIsInRange() throws {
    let standard = ScryptParameters.standard
    #expect(
      try ScryptParameters(logN: standard.logN, r: standard.r, p: standard.p) == standard
    )
    #expect(standard.logN == 17 && standard.r == 8 && standard.p == 1)
  }
}
