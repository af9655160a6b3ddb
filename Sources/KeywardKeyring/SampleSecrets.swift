import KeywardCrypto

/// The key files and passphrases of the documentation, which no store may be sealed with.
///
/// A secret that anybody can read is worse than none: this is how sample keys reach production.
enum SampleSecrets {
  /// Every sample starts with one of these texts.
  static let beginnings = [
    "keyward-sample-", "keyward sample ", "changeme", "change-me", "change me",
    "correct horse battery staple", "example-", "password",
  ]

  /// Whether `secret` starts with a sample text, in any case of its letters.
  static func contain(_ secret: borrowing SecretBytes) -> Bool {
    secret.withUnsafeBytes { bytes in
      beginnings.contains { beginning in
        bytes.count >= beginning.utf8.count
          && zip(bytes, beginning.utf8).allSatisfy { byte, expected in
            byte == expected || (65...90).contains(byte) && byte | 0x20 == expected
          }
      }
    }
  }
}
