package import KeywardCrypto

/// A recipient of age: an X25519 public key, as `age1…`.
package struct AgeRecipient: Hashable, Sendable, CustomStringConvertible {
  let raw: [UInt8]
  package let description: String

  /// Takes `age1…` in lower case, else nil.
  package init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard bytes.count == 62, text.hasPrefix("age1") else { return nil }
    let decoded = bytes.withUnsafeBytes { buffer in
      try? Bech32.decode("age", buffer, count: 32)?.bytes.revealed()
    }
    guard let decoded, (try? PublicKey(raw: decoded, .x25519)) != nil else { return nil }
    raw = decoded
    description = text
  }

  init(raw: [UInt8]) {
    self.raw = raw
    description = Bech32.encode("age", raw)
  }
}

/// An identity of age: an X25519 private key, as `AGE-SECRET-KEY-1…`.
package struct AgeIdentity: Sendable {
  let key: PrivateKey
  package let recipient: AgeRecipient

  init(_ key: PrivateKey) throws(CryptoError) {
    self.key = key
    recipient = AgeRecipient(raw: try key.publicKey().raw())
  }

  /// A new one.
  package static func generate() throws(CryptoError) -> AgeIdentity {
    try AgeIdentity(PrivateKey.generate(.x25519))
  }

  /// The identities of a file of `age-keygen`: one a line, with comments and blank lines.
  package static func parse(
    file: borrowing SecretBytes,
    named name: String
  ) throws(PipelineError) -> [AgeIdentity] {
    let ranges = file.withUnsafeBytes { bytes in
      var ranges: [Range<Int>] = []
      var start = 0
      for index in 0...bytes.count where index == bytes.count || bytes[index] == 0x0a {
        var end = index
        while end > start, bytes[end - 1] == 0x0d || bytes[end - 1] == 0x20 { end -= 1 }
        if end > start, bytes[start] != 0x23 { ranges.append(start..<end) }
        start = index + 1
      }
      return ranges
    }
    guard !ranges.isEmpty, ranges.count <= 64 else {
      throw PipelineError(
        .input,
        "\(name) holds no identity of age.",
        remedy: "It has a line AGE-SECRET-KEY-1…, as age-keygen writes it."
      )
    }
    var identities: [AgeIdentity] = []
    for range in ranges {
      do throws(CryptoError) {
        let decoded = try file.withUnsafeBytes { bytes throws(CryptoError) in
          try Bech32.decode(
            "age-secret-key-",
            UnsafeRawBufferPointer(rebasing: bytes[range]),
            count: 32
          )
        }
        guard let decoded else { throw .invalidKey("not an identity") }
        identities.append(try AgeIdentity(PrivateKey(raw: decoded.bytes, .x25519)))
      } catch {
        throw PipelineError(
          .input,
          "\(name) has a line that is no X25519 identity of age.",
          remedy: "Identities of plugins, of SSH and of passphrases are not taken."
        )
      }
    }
    return identities
  }
}
