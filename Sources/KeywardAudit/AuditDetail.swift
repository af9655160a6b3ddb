package import KeywardModel

/// A typed fact about an operation, of a closed set: no text from outside can be one.
package enum AuditDetail: Equatable, Sendable {
  /// A change of state of a key version or of the seal.
  case state(from: AuditState?, to: AuditState)
  /// The kind of a seal.
  case seal(AuditSeal)
  /// The index of an unseal or recovery share, never its value.
  case share(index: UInt64)
  /// The shares that proved a quorum: the id of their set and their indices, never their values.
  case shares(set: AuditWord, indices: AuditIndices)
  /// The name of an approval rule, as it was given.
  case approvalRule(AuditWord)
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
  /// The SHA-256 of a bundle that was opened, and whether the journal of its site was changed.
  case bundle(AuditDigest, AuditJournal)
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
  /// The id of an export.
  case export(AuditWord)
  /// The destination of an export.
  case destination(AuditWord)
  /// How the material was wrapped, and the SHA-256 of the wrapping key's SubjectPublicKeyInfo.
  case wrapping(algorithm: AuditWord, key: AuditDigest)
  /// The SHA-256 of the wrapped bytes that left.
  case blob(AuditDigest)
  /// What the provider calls the copy, and the material in it where it names that.
  case copy(key: AuditName, material: AuditName?)
  /// What became of an export.
  case exportState(AuditWord)
}

/// A word of `[A-Za-z0-9:._-]`, at most 64 of them; any other character becomes `_`.
package struct AuditWord: Equatable, Sendable {
  package let text: String

  package init(_ text: String) {
    self.text = AuditText.code.bounded(text)
  }
}

/// Numbers of shares; of more than 32 the first.
package struct AuditIndices: Equatable, Sendable {
  static let most = 32

  package let values: [UInt64]

  package init(_ values: [UInt64]) {
    self.values = values.prefix(Self.most).map(AuditNumber.clamped)
  }
}

/// A name from outside, bounded and escaped.
package struct AuditName: Equatable, Sendable {
  package let text: String

  package init(_ text: String) {
    self.text = AuditText.principal.bounded(text)
  }

  /// The text as an entry has it.
  init(escaped text: String) {
    self.text = text
  }
}

/// 32 bytes, written as hexadecimal.
package struct AuditDigest: Equatable, Sendable {
  package let text: String

  /// Takes a digest of 32 bytes; any other is written as none.
  package init(_ bytes: [UInt8]) {
    text = bytes.count == 32 ? KeywardModel.Hex.encode(bytes) : "-"
  }

  init?(text: String) {
    guard text == "-" || text.utf8.count == 64,
      text == "-" || KeywardModel.Hex.decode(text)?.count == 32,
      text == text.lowercased()
    else { return nil }
    self.text = text
  }
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

/// What the journal of a site was found to be.
package enum AuditJournal: String, Sendable, CaseIterable {
  case whole
  /// Lines of it were changed or removed.
  case broken
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
