import KeywardCrypto
import KeywardKeyring
import KeywardModel

/// The ciphertexts of `encrypt` that are not envelopes: RSA-OAEP, with the version in front.
///
/// Byte 0 is 0x11, then the key version as 4 bytes big-endian, then RSA-OAEP with SHA-256 for hash
/// and MGF1 (RFC 8017 §7.1). Envelopes begin with 0x01 to 0x03. The label of OAEP is the record that
/// binds a message, with the context in it: `wrap` has the empty label of the standard, so neither
/// opens what the other made. Form 0x10 had the context alone for a label, which an empty context
/// made the label of `wrap`; it is refused.
enum Ciphertext {
  private static let rsaFormat: UInt8 = 0x11

  /// The version that a ciphertext names, only to choose the key that then checks it.
  static func version(of bytes: [UInt8]) -> Int? {
    if let version = Envelope.version(of: bytes) { return Int(version) }
    guard bytes.count > 5, bytes[0] == rsaFormat else { return nil }
    return bytes[1..<5].reduce(0) { $0 << 8 | Int($1) }
  }

  static func sealRSA(
    _ pair: PrivateKey,
    _ version: KeyVersion,
    _ binding: AssociatedData,
    _ plaintext: SecretBox
  ) throws(ServiceError) -> [UInt8] {
    try Schemes.run { () throws(CryptoError) in
      let key = try pair.publicKey()
      let sealed = try key.encryptOAEP(
        hash: .sha256,
        mgf1: .sha256,
        label: binding.record,
        plaintext: plaintext.bytes
      )
      return header(version.number) + sealed
    }
  }

  static func openRSA(
    _ pair: PrivateKey,
    _ version: KeyVersion,
    _ binding: AssociatedData,
    _ bytes: [UInt8]
  ) throws(ServiceError) -> SecretBox {
    guard bytes.count > 5, Array(bytes.prefix(5)) == header(version.number) else {
      throw .decryptionFailed
    }
    return try Schemes.run { () throws(CryptoError) in
      SecretBox(
        try pair.decryptOAEP(
          hash: .sha256,
          mgf1: .sha256,
          label: binding.record,
          ciphertext: Array(bytes.dropFirst(5))
        )
      )
    }
  }

  private static func header(_ version: Int) -> [UInt8] {
    let number = UInt32(clamping: version)
    return [
      rsaFormat, UInt8(truncatingIfNeeded: number >> 24), UInt8(truncatingIfNeeded: number >> 16),
      UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number),
    ]
  }
}
