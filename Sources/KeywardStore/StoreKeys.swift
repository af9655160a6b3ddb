package import KeywardCrypto
package import KeywardKeyring

/// The subkeys of the root key that the store works with; without them it is sealed.
package struct StoreKeys: Sendable {
  /// The MAC of each row.
  package let rowKey: HMACKey
  /// The hidden element of each row in the digest over the set of rows.
  package let setKey: HMACKey
  /// The MAC of the state row.
  package let stateKey: HMACKey
  /// The MAC of the anchor file.
  package let anchorKey: HMACKey
  /// Encrypts backups.
  package let backupKey: SecretBox

  package init(
    rowKey: HMACKey,
    setKey: HMACKey,
    stateKey: HMACKey,
    anchorKey: HMACKey,
    backupKey: SecretBox
  ) {
    self.rowKey = rowKey
    self.setKey = setKey
    self.stateKey = stateKey
    self.anchorKey = anchorKey
    self.backupKey = backupKey
  }

  /// Derives them all.
  package init(_ rootKey: RootKey) throws(KeyringError) {
    rowKey = try StoreKeys.mac(rootKey, .rowMAC)
    setKey = try StoreKeys.mac(rootKey, .setDigest)
    stateKey = try StoreKeys.mac(rootKey, .stateMAC)
    anchorKey = try StoreKeys.mac(rootKey, .anchorMAC)
    backupKey = try rootKey.subkey(.backup)
  }

  private static func mac(
    _ rootKey: RootKey,
    _ purpose: RootKey.Purpose
  ) throws(KeyringError) -> HMACKey {
    let subkey = try rootKey.subkey(purpose)
    do { return try HMACKey(.sha256, key: subkey.bytes) } catch { throw .crypto(error) }
  }
}
