package import KeywardCrypto
package import KeywardModel

extension SecretBox {
  /// Bytes of a test as a secret.
  package static func of(_ bytes: [UInt8]) throws(ServiceError) -> SecretBox {
    do {
      return SecretBox(try SecretBytes.fixture(bytes))
    } catch {
      throw ServiceError(.internalError, "No memory for a fixture: \(error).")
    }
  }

  /// Text of a test as a secret.
  package static func of(_ text: String) throws(ServiceError) -> SecretBox {
    try of(Array(text.utf8))
  }

  /// The bytes, for a test to compare.
  package var plain: [UInt8] { bytes.revealed() }

  /// The bytes as text.
  package var text: String { String(decoding: plain, as: UTF8.self) }
}
