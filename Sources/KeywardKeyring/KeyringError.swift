package import KeywardCrypto

/// Why the seal, a share, the keyring or an envelope refused something.
///
/// Every text here is public: it names indices, set ids and rules, never a secret byte. A share
/// error is precise because the people who hold shares need it and because shares are checked one
/// at a time; failed decryption is one case whatever the cause.
package enum KeyringError: Error, Equatable, Sendable {
  /// A primitive failed: entropy, locked memory, OpenSSL.
  case crypto(CryptoError)
  /// An envelope did not open: wrong key, wrong associated data, wrong suite, changed or cut bytes.
  case decryptionFailed
  /// A share of this set and index was given already.
  case duplicateShare(index: Int)
  /// A well-formed share of another set.
  case foreignShare(index: Int, setID: String, expected: String)
  /// A share that carries this set's id but was not issued with it.
  case forgedShare(index: Int)
  /// A scrypt parameter, name or size of a seal outside its limits.
  case invalidSealParameter(String)
  /// Threshold and count of a share set that cannot be.
  case invalidThreshold(threshold: Int, count: Int)
  /// A key file or credential that cannot serve as a seal.
  case keyFileRefused(String)
  /// A stored record that is not what this version writes.
  case malformedRecord(String)
  /// Text that is not a share; `position` is the first offending byte, counted from 1.
  case malformedShare(position: Int, reason: String)
  /// A passphrase below the policy for new passphrases.
  case passphraseRefused(String)
  /// The secret fits the seal but the record around the root key was altered.
  case sealRecordAltered
  /// The key file, credential or passphrase is not this seal's.
  case sealSecretMismatch(seal: String)
  /// A share came while nothing waits for one.
  case shareNotExpected(String)
  /// A well-formed share whose characters do not fit its checksum: a typing mistake.
  case shareChecksumMismatch
  /// Enough checked shares that do not combine to this seal's key.
  case sharesNotGenuine(indices: [Int])
  /// A share of this set that states another threshold or count.
  case shareThresholdMismatch(index: Int, stated: String, expected: String)
  /// Material of a term that this keyring does not hold.
  case unknownTerm(UInt32)
  /// A share, envelope or record of a newer format.
  case unsupportedVersion(String)
  /// A secret of another kind than this seal takes.
  case wrongSecretKind(seal: String)
  /// A record of another store.
  case wrongStore(String)

  /// What is wrong, as one sentence for an operator.
  package var words: String {
    switch self {
    case .crypto: "A cryptographic primitive failed."
    case .decryptionFailed: "Decryption failed."
    case .duplicateShare(let index): "Share \(index) was given already."
    case .foreignShare(let index, let setID, let expected):
      "Share \(index) belongs to share set \(setID), not to \(expected)."
    case .forgedShare(let index):
      "Share \(index) carries the id of this set but was not issued with it."
    case .invalidSealParameter(let reason): "The seal cannot be made: \(reason)."
    case .invalidThreshold(let threshold, let count):
      "A share set of threshold \(threshold) and count \(count) is not possible."
    case .keyFileRefused(let reason): "The key file cannot serve as a seal: \(reason)."
    case .malformedRecord(let reason): "A stored record is malformed: \(reason)."
    case .malformedShare(let position, let reason):
      "This is not a share: \(reason) (character \(position))."
    case .passphraseRefused(let reason): "The passphrase is refused: \(reason)."
    case .sealRecordAltered: "The seal record was altered: the root key in it does not open."
    case .sealSecretMismatch(let seal): "The \(seal) is not the one of this seal."
    case .shareNotExpected(let reason): "No share is expected: \(reason)."
    case .shareChecksumMismatch: "The share's checksum does not fit: a character was mistyped."
    case .sharesNotGenuine(let indices):
      "Shares \(KeyringError.list(indices)) do not combine: at least one is not genuine."
    case .shareThresholdMismatch(let index, let stated, let expected):
      "Share \(index) says \(stated), but its set is \(expected)."
    case .unknownTerm(let term): "The keyring holds no term \(term)."
    case .unsupportedVersion(let what): "\(what) has a format of a newer version of Keyward."
    case .wrongSecretKind(let seal): "This seal opens with a \(seal) only."
    case .wrongStore(let what): "\(what) belongs to another store."
    }
  }

  /// What to do about it, as one sentence; empty where there is nothing to advise.
  package var remedy: String {
    switch self {
    case .crypto(.outOfSecureMemory): "Raise RLIMIT_MEMLOCK (LimitMEMLOCK=) and try again."
    case .crypto: "See the server's log; the server stays sealed until it is restarted."
    case .decryptionFailed: ""
    case .duplicateShare: "Give a share with another index."
    case .foreignShare(_, _, let expected):
      "Look for the shares that start with set id \(expected)."
    case .forgedShare: "Find out where this share came from; progress is kept, give a genuine one."
    case .invalidSealParameter: "Correct the option and try again."
    case .invalidThreshold:
      "Choose a threshold from 2 to the count and a count up to 255, or 1 of 1 for development."
    case .keyFileRefused: "Make one with: head -c 32 /dev/urandom > FILE; chmod 600 FILE."
    case .malformedRecord: "Run keyward fsck, then restore from a backup."
    case .malformedShare: "Copy the share again, from kwshare1 to its last character."
    case .passphraseRefused: "Choose a passphrase of at least 12 characters."
    case .sealRecordAltered: "Run keyward fsck, then restore the seal record from a backup."
    case .sealSecretMismatch: "Give the one that this store was sealed with."
    case .shareNotExpected: "See keyward operator status."
    case .shareChecksumMismatch: "Compare the share with the original, character by character."
    case .sharesNotGenuine: "Progress starts again at 0: give other shares of the set."
    case .shareThresholdMismatch: "Use the shares of the latest rekey."
    case .unknownTerm: "Run keyward fsck."
    case .unsupportedVersion: "Use a version of Keyward at least as new as the one that wrote it."
    case .wrongSecretKind: "See keyward operator status for the kind of this seal."
    case .wrongStore: "Check which data folder the server was started on."
    }
  }

  private static func list(_ indices: [Int]) -> String {
    indices.map { String($0) }.joined(separator: ", ")
  }
}

/// Runs `body` and turns an error of the crypto layer into one of this module.
///
/// A failed authentication becomes `decryptionFailed`, the one decryption error.
@inline(__always)
func crypto<R: ~Copyable>(_ body: () throws(CryptoError) -> R) throws(KeyringError) -> R {
  do {
    return try body()
  } catch .authenticationFailed {
    throw .decryptionFailed
  } catch {
    throw .crypto(error)
  }
}
