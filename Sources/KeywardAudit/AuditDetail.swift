package import KeywardModel

/// A typed fact about an operation, of a closed set: no text from outside can be one.
package enum AuditDetail: Equatable, Sendable {
  /// A change of state of a key version or of the seal.
  case state(from: AuditState?, to: AuditState)
  /// The kind of a seal.
  case seal(AuditSeal)
  /// The index of an unseal or recovery share, never its value.
  case share(index: UInt64)
  /// A number of shares or approvals asked for, of how many.
  case quorum(threshold: UInt64, total: UInt64)
  /// How many things an operation touched.
  case count(UInt64)
  /// A length in bytes, of a request that was too large.
  case size(UInt64)
  /// A rotation from one version to another.
  case versions(from: UInt64, to: UInt64)
  /// The version of a secret that was used, and how many steps of inheritance away from the
  /// environment that was asked for it was found.
  case secret(version: UInt64, depth: UInt64)
  /// When a bundle was opened, as its site says, in milliseconds since 1970.
  case opened(UInt64)
  /// The number of a keyring term.
  case term(UInt64)
  /// Audit entries that could not be written before this one.
  case dropped(UInt64)
  /// Audit entries read or exported, as a half-open range of indices.
  case entries(from: UInt64, to: UInt64)
  /// When a scheduled change is due, in milliseconds since 1970.
  case due(UInt64)
  /// The state counters of a rollback check: the anchor's and the database's.
  case counters(anchor: UInt64, database: UInt64)
  /// An attribute that was changed, never its value.
  case attribute(AuditAttribute)
}

/// A state that a detail can name: SP 800-57 key states, and the server's.
package enum AuditState: String, Sendable, CaseIterable {
  case preActive = "pre-active"
  case active
  case suspended
  case deactivated
  case compromised
  case destroyed
  case destructionPending = "destruction-pending"
  case uninitialized
  case sealed
  case unsealed
  case broken

  /// The state of a key version.
  package init(_ state: KeyState) {
    self =
      switch state {
      case .preActive: .preActive
      case .active: .active
      case .suspended: .suspended
      case .deactivated: .deactivated
      case .compromised: .compromised
      case .destroyed: .destroyed
      }
  }
}

/// A kind of seal that a detail can name.
package enum AuditSeal: String, Sendable, CaseIterable {
  case shamir
  case recovery
  case keyFile = "key-file"
  case passphrase
  case systemdCredential = "systemd-credential"
  case development
}

/// An attribute that a detail can name.
package enum AuditAttribute: String, Sendable, CaseIterable {
  case operations
  case neverExportable = "never_exportable"
  case deletionProtected = "deletion_protected"
  case allowedDestinations = "allowed_destinations"
  case requiredApprovals = "required_approvals"
  case rotationPeriod = "rotation_period"
  case description
  case labels
}
