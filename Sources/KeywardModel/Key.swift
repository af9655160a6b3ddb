/// A key's record without its material: what the directory in memory holds.
///
/// Immutable, so that readers keep a consistent view while a writer puts another in its place.
package final class Key: Sendable {
  package let id: KeyID
  package let name: KeyName
  package let type: KeyType
  package let attributes: KeyAttributes
  package let createdAt: Timestamp
  /// Set when the key was deleted: all versions destroyed and its name free again.
  package let deletedAt: Timestamp?
  /// All versions, by number from 1 without gaps.
  package let versions: [KeyVersion]

  package init(
    id: KeyID,
    name: KeyName,
    type: KeyType,
    attributes: KeyAttributes,
    createdAt: Timestamp,
    deletedAt: Timestamp? = nil,
    versions: [KeyVersion]
  ) {
    self.id = id
    self.name = name
    self.type = type
    self.attributes = attributes
    self.createdAt = createdAt
    self.deletedAt = deletedAt
    self.versions = versions
  }

  /// The version that protects: the newest one, if it is active.
  ///
  /// Never an older one, whose `key_id` was told before: a `key_id` that goes from A to B and back
  /// to A leaves data behind that nobody migrates.
  package var primary: KeyVersion? {
    guard let newest = versions.last, newest.state == .active, newest.destroyAt == nil else {
      return nil
    }
    return newest
  }

  package func version(_ number: Int) -> KeyVersion? {
    guard number >= 1, number <= versions.count else { return nil }
    return versions[number - 1]
  }

  /// The same key with other parts.
  package func with(
    attributes: KeyAttributes? = nil,
    deletedAt: Timestamp? = nil,
    versions: [KeyVersion]? = nil
  ) -> Key {
    Key(
      id: id,
      name: name,
      type: type,
      attributes: attributes ?? self.attributes,
      createdAt: createdAt,
      deletedAt: deletedAt ?? self.deletedAt,
      versions: versions ?? self.versions
    )
  }
}

/// One version of a key, with its wrapped material.
package struct KeyVersion: Hashable, Sendable {
  /// Where the material came from.
  package enum Origin: String, Sendable, Codable {
    case generated
    case imported
  }

  /// The number: 1, 2, 3 and so on.
  package let number: Int
  package let kmsKeyID: KMSKeyID
  package var state: KeyState
  package let origin: Origin
  package let createdAt: Timestamp
  package var activatedAt: Timestamp?
  package var deactivatedAt: Timestamp?
  /// When the material will be destroyed; nil when no destruction is scheduled.
  package var destroyAt: Timestamp?
  package var destroyedAt: Timestamp?
  /// Short public digest by which two holders of the key can tell that they hold the same.
  package let checkValue: [UInt8]
  /// SubjectPublicKeyInfo DER of a key pair; empty otherwise.
  package let publicKey: [UInt8]
  /// The material as an envelope under a keyring term; empty once destroyed.
  package var material: [UInt8]

  package init(
    number: Int,
    kmsKeyID: KMSKeyID,
    state: KeyState,
    origin: Origin,
    createdAt: Timestamp,
    activatedAt: Timestamp? = nil,
    deactivatedAt: Timestamp? = nil,
    destroyAt: Timestamp? = nil,
    destroyedAt: Timestamp? = nil,
    checkValue: [UInt8],
    publicKey: [UInt8],
    material: [UInt8]
  ) {
    self.number = number
    self.kmsKeyID = kmsKeyID
    self.state = state
    self.origin = origin
    self.createdAt = createdAt
    self.activatedAt = activatedAt
    self.deactivatedAt = deactivatedAt
    self.destroyAt = destroyAt
    self.destroyedAt = destroyedAt
    self.checkValue = checkValue
    self.publicKey = publicKey
    self.material = material
  }

  /// What this version may do now, by its state; a version waiting for destruction does nothing.
  package var operations: KeyOperations {
    destroyAt == nil ? state.operations : []
  }
}
