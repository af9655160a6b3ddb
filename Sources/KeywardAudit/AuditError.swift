package import KeywardCrypto

/// What the audit log cannot do, with public words.
///
/// Damage that a verification finds is not an error: it is an ``AuditFinding``.
package enum AuditError: Error, Equatable, Sendable {
  /// The bytes are not a canonical entry; the text names the place in it.
  case malformedEntry(String)
  /// The bytes are not a signed note, or its text is not a checkpoint.
  case malformedNote(String)
  /// The text is not a verifier key, or the key is not Ed25519.
  case malformedKey(String)
  /// The stored hashes of a frontier or range do not fit their size.
  case malformedHashes
  /// An index or size lies outside the tree, or the tree is full (2^53 entries).
  case outOfRange
  /// No signature of the note is by the key that was asked for.
  case unknownSigner
  /// The note has a signature that names the key, and it does not verify.
  case badSignature
  /// The cryptography below failed.
  case crypto(CryptoError)
}
