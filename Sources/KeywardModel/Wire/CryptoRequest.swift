/// The query parameters of the operations that use a key; each route takes some of them.
package struct CryptoRequest: Hashable, Sendable {
  /// The version to use; nil for the primary one, or the one that the ciphertext names.
  package var version: Int?
  /// Associated data (AAD), public, that decryption must be given again.
  package var context: [UInt8]
  /// A scheme by name, as `rsa-pss`, `rsa-oaep`, `aes-kwp`; nil for the type's default.
  package var algorithm: String?
  /// A hash by name, as `sha256`; nil for the scheme's default.
  package var hash: String?
  /// The signature or MAC to check.
  package var signature: [UInt8]
  /// Whether the body is a digest already.
  package var prehashed: Bool
  /// Bytes to derive.
  package var count: Int?

  package init(
    version: Int? = nil,
    context: [UInt8] = [],
    algorithm: String? = nil,
    hash: String? = nil,
    signature: [UInt8] = [],
    prehashed: Bool = false,
    count: Int? = nil
  ) {
    self.version = version
    self.context = context
    self.algorithm = algorithm
    self.hash = hash
    self.signature = signature
    self.prehashed = prehashed
    self.count = count
  }
}

/// What `:verify` and `:mac-verify` answer.
///
/// A signature that does not hold is an answer, not an error.
package struct VerificationResult: Hashable, Sendable, Codable {
  package let valid: Bool
  /// The version that it was checked with.
  package let version: Int

  package init(valid: Bool, version: Int) {
    self.valid = valid
    self.version = version
  }
}
