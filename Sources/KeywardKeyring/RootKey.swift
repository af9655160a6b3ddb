package import KeywardCrypto

/// The key at the top of a store's hierarchy: 32 random bytes that live as long as the store.
///
/// It encrypts and authenticates nothing itself; every use has its own subkey, by HKDF-Expand with
/// its own label. At rest it exists only inside seal records. Immutable and shared.
package final class RootKey: Sendable {
  /// What a subkey is for.
  package enum Purpose: String, CaseIterable, Sendable {
    /// The MAC of the anchor file outside the database.
    case anchorMAC = "anchor-mac"
    /// Wraps the key pair that signs audit checkpoints.
    case auditSigning = "audit-signing"
    /// Encrypts backups.
    case backup
    /// Hashes tokens, secret ids and digests of requests.
    case credentials
    /// Encrypts what a provider said for an export that is under way.
    case exportParameters = "export-parameters"
    /// Encrypts the private halves of wrapping keys for imports.
    case importKeys = "import-keys"
    /// The MAC of every row that matters.
    case rowMAC = "row-mac"
    /// Tells by a keyed hash that a secret had a value before.
    case secretFingerprint = "secret-fingerprint"
    /// The digest over the set of rows of a table, which notices a deleted row.
    case setDigest = "set-digest"
    /// The MAC of the state counter in the database.
    case stateMAC = "state-mac"
    /// Wraps the keyring's terms.
    case termWrapping = "term-wrapping"

    /// The HKDF label of the subkey.
    package var label: String { "keyward/v1/root/" + rawValue }
  }

  /// The length of the key and of each subkey, in bytes.
  package static let length = 32

  let box: SecretBox

  /// Takes over 32 bytes; other lengths are refused.
  package init(_ bytes: consuming SecretBytes) throws(KeyringError) {
    guard bytes.count == RootKey.length else {
      throw .malformedRecord("a root key has \(RootKey.length) bytes")
    }
    box = SecretBox(bytes)
  }

  /// A new random root key.
  package static func generate() throws(KeyringError) -> RootKey {
    let bytes: SecretBytes
    do { bytes = try SecretBytes.random(count: length) } catch { throw .crypto(error) }
    return try RootKey(bytes)
  }

  /// The 32-byte subkey for one purpose; always the same for the same root key.
  package func subkey(_ purpose: Purpose) throws(KeyringError) -> SecretBox {
    do {
      return SecretBox(
        try HKDF.expand(
          .sha256,
          prk: box.bytes,
          info: Array(purpose.label.utf8),
          count: RootKey.length
        )
      )
    } catch {
      throw .crypto(error)
    }
  }

  /// Whether both are the same key, in constant time.
  package func isSame(as other: RootKey) -> Bool {
    box.bytes.constantTimeEquals(other.box.bytes)
  }
}
