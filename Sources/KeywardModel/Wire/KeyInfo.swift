/// A key as the API shows it: everything but the material.
package struct KeyInfo: Hashable, Sendable, Codable {
  /// Which versions of a key an answer lists.
  package enum Listing: Sendable {
    case all
    /// The one that was just made: an answer must not grow with every rotation before it.
    case newest
    case none
  }

  /// 32 hexadecimal digits, never used again.
  package let id: String
  package let name: String
  package let type: KeyType
  package let operations: [KeyOperation]
  package let neverExportable: Bool
  package let deletionProtected: Bool
  /// Null means any destination that policy allows.
  package let allowedDestinations: [String]?
  package let requiredApprovals: Int
  /// Seconds between rotations by the server; null for none.
  package let rotationPeriod: Int64?
  /// RFC 3339, as all times here.
  package let createdAt: String
  package let deletedAt: String?
  /// The version that encrypts, signs and wraps now; null when there is none.
  package let primaryVersion: Int?
  package let versionCount: Int
  /// All versions from the first; after a rotation only the new one; null in pages, which hold many
  /// keys.
  package let versions: [KeyVersionInfo]?

  enum CodingKeys: String, CodingKey {
    case id
    case name
    case type
    case operations
    case neverExportable = "never_exportable"
    case deletionProtected = "deletion_protected"
    case allowedDestinations = "allowed_destinations"
    case requiredApprovals = "required_approvals"
    case rotationPeriod = "rotation_period"
    case createdAt = "created_at"
    case deletedAt = "deleted_at"
    case primaryVersion = "primary_version"
    case versionCount = "version_count"
    case versions
  }

  /// Shows `key` with the versions of `listing`.
  package init(_ key: Key, listing: Listing = .all) {
    id = key.id.description
    name = key.name.description
    type = key.type
    operations = key.attributes.operations.list
    neverExportable = key.attributes.neverExportable
    deletionProtected = key.attributes.deletionProtected
    allowedDestinations = key.attributes.allowedDestinations?.sorted()
    requiredApprovals = key.attributes.requiredApprovals
    rotationPeriod = key.attributes.rotationPeriod
    createdAt = key.createdAt.rfc3339
    deletedAt = key.deletedAt?.rfc3339
    primaryVersion = key.primary?.number
    versionCount = key.versions.count
    versions =
      switch listing {
      case .all: key.versions.map(KeyVersionInfo.init)
      case .newest: key.versions.suffix(1).map(KeyVersionInfo.init)
      case .none: nil
      }
  }
}

/// One version of a key as the API shows it.
package struct KeyVersionInfo: Hashable, Sendable, Codable {
  package let version: Int
  package let kmsKeyID: String
  package let state: KeyState
  package let origin: KeyVersion.Origin
  package let createdAt: String
  package let activatedAt: String?
  package let deactivatedAt: String?
  /// When the material will be destroyed; null when no destruction is scheduled.
  package let destroyAt: String?
  package let destroyedAt: String?
  /// Hexadecimal.
  package let checkValue: String
  /// SubjectPublicKeyInfo, base64 DER; null for keys that are no pair.
  package let publicKey: String?

  enum CodingKeys: String, CodingKey {
    case version
    case kmsKeyID = "kms_key_id"
    case state
    case origin
    case createdAt = "created_at"
    case activatedAt = "activated_at"
    case deactivatedAt = "deactivated_at"
    case destroyAt = "destroy_at"
    case destroyedAt = "destroyed_at"
    case checkValue = "check_value"
    case publicKey = "public_key"
  }

  package init(_ version: KeyVersion) {
    self.version = version.number
    kmsKeyID = version.kmsKeyID.description
    state = version.state
    origin = version.origin
    createdAt = version.createdAt.rfc3339
    activatedAt = version.activatedAt?.rfc3339
    deactivatedAt = version.deactivatedAt?.rfc3339
    destroyAt = version.destroyAt?.rfc3339
    destroyedAt = version.destroyedAt?.rfc3339
    checkValue = Hex.encode(version.checkValue)
    publicKey = version.publicKey.isEmpty ? nil : Base64.encode(version.publicKey)
  }
}

/// A page of keys in the order of their names.
package struct KeyPage: Hashable, Sendable, Codable {
  package let keys: [KeyInfo]
  /// What to give as `cursor` for the next page; null after the last.
  package let nextCursor: String?

  enum CodingKeys: String, CodingKey {
    case keys
    case nextCursor = "next_cursor"
  }

  package init(keys: [KeyInfo], nextCursor: String?) {
    self.keys = keys
    self.nextCursor = nextCursor
  }
}
