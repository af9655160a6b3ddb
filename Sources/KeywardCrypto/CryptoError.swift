/// Why a cryptographic operation could not be done.
///
/// The words are public: they name sizes, curves and calls, never data.
package enum CryptoError: Error, Equatable, Sendable {
  /// The one failure of decryption and verification, whatever the cause: telling padding from tag
  /// from length is what padding oracles are made of.
  case authenticationFailed
  /// A key that will not be used, and what is wrong with it (size, curve, exponent).
  case invalidKey(String)
  /// An argument outside its limits.
  case invalidInput(String)
  /// The generator gave no random bytes. Nothing may go on without them.
  case entropyFailure
  /// The arena could not grow: its own limit, or RLIMIT_MEMLOCK.
  case outOfSecureMemory
  /// A known-answer test gave another answer; the name of the test.
  case selfTestFailed(String)
  /// The two halves of a key pair do not fit each other.
  case pairwiseTestFailed
  /// An OpenSSL call that cannot fail did; its name.
  case internalFailure(String)
}
