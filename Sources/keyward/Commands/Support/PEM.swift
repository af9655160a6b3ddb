import KeywardCrypto
import KeywardModel

/// The textual encoding of keys (RFC 7468).
enum PEM {
  /// The DER of one `PRIVATE KEY` block, decoded within the arena.
  static func privateKey(_ text: SecretBox) throws -> SecretBox {
    guard let der = try SecretPEM.decode("PRIVATE KEY", text.bytes) else {
      throw CommandFailure(
        .usage,
        "The file holds no unencrypted PKCS#8 block (BEGIN PRIVATE KEY).",
        remedy: "Convert it: openssl pkcs8 -topk8 -nocrypt -in key.pem -out pkcs8.pem"
      )
    }
    return SecretBox(der)
  }

  /// A public key as a `PUBLIC KEY` block.
  static func publicKey(_ spki: [UInt8]) -> String {
    var text = "-----BEGIN PUBLIC KEY-----\n"
    var rest = Substring(Base64.encode(spki))
    while !rest.isEmpty {
      text += rest.prefix(64) + "\n"
      rest = rest.dropFirst(64)
    }
    return text + "-----END PUBLIC KEY-----"
  }

  /// The raw Ed25519 key of one `PUBLIC KEY` block, or of a SubjectPublicKeyInfo in base64.
  static func ed25519(_ text: String) -> [UInt8]? {
    let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("-----") }
    guard let spki = Base64.decode(lines.joined()), let key = try? PublicKey(spki: spki),
      key.algorithm == .ed25519
    else { return nil }
    return try? key.raw()
  }

  /// The DER of the `CERTIFICATE` blocks of a text.
  static func certificates(_ text: String) -> [[UInt8]] {
    var found: [[UInt8]] = []
    var digits: String?
    for line in text.split(whereSeparator: \.isNewline) {
      switch line {
      case "-----BEGIN CERTIFICATE-----": digits = ""
      case "-----END CERTIFICATE-----":
        if let der = digits.flatMap({ Base64.decode($0) }) { found.append(der) }
        digits = nil
      default: digits?.append(contentsOf: line)
      }
    }
    return found
  }
}
