import KeywardCrypto
import KeywardKeyring
import Testing

@Suite
struct KeyringErrorTests {
  private static let all: [KeyringError] = [
    .crypto(.outOfSecureMemory), .crypto(.internalFailure("EVP_secret")), .decryptionFailed,
    .duplicateShare(index: 3), .foreignShare(index: 3, setID: "aa", expected: "bb"),
    .forgedShare(index: 3), .invalidSealParameter("it is wrong"),
    .invalidThreshold(threshold: 5, count: 3), .keyFileRefused("it is short"),
    .malformedRecord("seal record"), .malformedShare(position: 7, reason: "it is short"),
    .passphraseRefused("it is short"), .sealRecordAltered, .sealSecretMismatch(seal: "key file"),
    .shareNotExpected("the store is unsealed already"), .shareChecksumMismatch,
    .sharesNotGenuine(indices: [1, 2, 4]),
    .shareThresholdMismatch(index: 3, stated: "2 of 5", expected: "3 of 5"), .unknownTerm(9),
    .unsupportedVersion("The share"), .wrongSecretKind(seal: "key file"),
    .wrongStore("The seal record"),
  ]

  @Test(arguments: all)
  func wordsAreASentenceAndRemediesToo(error: KeyringError) {
    #expect(error.words.hasSuffix(".") && error.words.first?.isUppercase == true)
    // Decryption has one error and no advice: any would tell the reasons apart.
    #expect(error.remedy.isEmpty == (error == .decryptionFailed))
    #expect(!error.words.contains("EVP_"), "the cause stays inside")
  }

  @Test
  func theWordsNameWhatTheyAreAbout() {
    #expect(KeyringError.sharesNotGenuine(indices: [1, 2, 4]).words.contains("1, 2, 4"))
    #expect(KeyringError.duplicateShare(index: 3).words.contains("Share 3"))
    let foreign = KeyringError.foreignShare(index: 3, setID: "aa", expected: "bb")
    #expect(foreign.words == "Share 3 belongs to share set aa, not to bb.")
    #expect(KeyringError.malformedShare(position: 7, reason: "x").words.contains("character 7"))
    let threshold = KeyringError.shareThresholdMismatch(
      index: 3,
      stated: "2 of 5",
      expected: "3 of 5"
    )
    #expect(threshold.words == "Share 3 says 2 of 5, but its set is 3 of 5.")
    #expect(KeyringError.crypto(.outOfSecureMemory).remedy.contains("LimitMEMLOCK"))
  }
}
