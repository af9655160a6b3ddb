import KeywardModel

/// What people wrap in place of a key's material, and how long it is.
enum MaterialMistakes {
  typealias Mistake = (code: ExportRefusal.Code, words: String, remedy: String, lengths: [Int])

  private static let toPKCS8 = "Wrap openssl pkcs8 -topk8 -nocrypt -outform DER instead."

  /// For a type whose right material has one of `lengths` bytes.
  static func of(_ type: KeyType, _ lengths: [Int]) -> [Mistake] {
    guard type != .opaque else { return [] }
    return type.isKeyPair ? pair(type, lengths) : symmetric(lengths)
  }

  private static func symmetric(_ lengths: [Int]) -> [Mistake] {
    // Each with a line end and without.
    let texts = lengths.flatMap { length in
      let letters = (length + 2) / 3 * 4
      return [2 * length, 2 * length + 1, letters, letters + 1]
    }
    let padded = lengths.filter { $0 % 8 == 0 }.map { $0 + 8 }
    let text: Mistake = (
      .materialIsText, "hexadecimal or base64 text in place of the key's bytes",
      "Decode it (xxd -r -p, base64 -d), and wrap the bytes.", texts
    )
    let wrap: Mistake = (
      .keyWrapWithoutPadding, "AES-KW over a padded key (PKCS#7), not of AES-KWP",
      "Wrap with AES-KWP (RFC 5649).", padded
    )
    return [wrap, text]
  }

  private static func pair(_ type: KeyType, _ lengths: [Int]) -> [Mistake] {
    var mistakes: [Mistake] = []
    switch type {
    case .rsa2048, .rsa3072, .rsa4096:
      mistakes.append(
        (.keyIsPKCS1, "a key as PKCS#1 in place of PKCS#8", toPKCS8, lengths.map { $0 - 26 })
      )
    case .ecP256, .ecP384, .ecP521, .ecSecp256k1:
      let length = [KeyType.ecP256: 121, .ecP384: 167, .ecP521: 223, .ecSecp256k1: 118][type]
      mistakes.append(
        (.keyIsSEC1, "a key as SEC 1 in place of PKCS#8", toPKCS8, length.map { [$0] } ?? [])
      )
    default: break
    }
    mistakes.append((.keyIsPEM, "a key as PEM in place of DER", toPKCS8, lengths.map(pem)))
    return mistakes
  }

  /// The length of a `PRIVATE KEY` block of lines of 64 letters.
  private static func pem(_ count: Int) -> Int {
    let letters = (count + 2) / 3 * 4
    return 28 + letters + (letters + 63) / 64 + 26
  }
}
