package import KeywardCrypto
import KeywardModel

/// A short public value that tells two keys apart without telling anything about either.
///
/// Secret keys: the first bytes of HMAC-SHA-256(key, "keyward/v1/kcv"). Public keys: the first
/// bytes of the SHA-256 of their SubjectPublicKeyInfo. The classic check value of HSMs, three bytes of
/// a block encrypted under the key, is not used: it exists for block ciphers only and hands out a
/// known plaintext. A check value identifies; it authenticates nothing.
package struct KeyCheckValue: Hashable, Sendable, CustomStringConvertible {
  /// The length that `key show` and stores use, in bytes.
  package static let standardLength = 8

  /// 3 to 8 bytes.
  package let bytes: [UInt8]

  /// The check value of a secret key or other secret bytes; `length` is held to 3...8.
  package static func secret(
    _ key: borrowing SecretBytes,
    length: Int = standardLength
  ) throws(KeyringError) -> KeyCheckValue {
    do {
      return KeyCheckValue(
        try HMAC.authenticate(.sha256, key: key, Array("keyward/v1/kcv".utf8)),
        length
      )
    } catch {
      throw .crypto(error)
    }
  }

  /// The check value of a public key from its DER SubjectPublicKeyInfo; `length` is held to 3...8.
  package static func publicKey(
    spki: [UInt8],
    length: Int = standardLength
  ) throws(KeyringError) -> KeyCheckValue {
    do {
      return KeyCheckValue(try Digest.hash(.sha256, spki), length)
    } catch {
      throw .crypto(error)
    }
  }

  private init(_ full: [UInt8], _ length: Int) {
    bytes = Array(full.prefix(min(max(length, 3), 8)))
  }

  /// Lower-case hexadecimal.
  package var description: String { Hex.encode(bytes) }
}
