/// A record: a body whose form belongs to its kind, kept and authenticated as bytes.
package struct StoredRecord: Hashable, Sendable {
  package let kind: RecordKind
  /// 1 to 128 bytes, unique within the kind.
  package let id: String
  /// At most 8 MiB.
  package let body: [UInt8]

  package init(kind: RecordKind, id: String, body: [UInt8]) {
    self.kind = kind
    self.id = id
    self.body = body
  }
}

/// The kinds of records, as the table spells them.
package enum RecordKind: String, CaseIterable, Hashable, Sendable {
  /// A request for approval, with what was said of it.
  case approval
  /// A certificate authority outside of any cluster.
  case authority
  /// A cluster with its issuers and authorities.
  case cluster
  /// An environment that secrets have values in.
  case environment
  /// Where keys can be exported to.
  case destination
  /// One export of one key version: what is known of the copy.
  case export
  /// A wrapping key for one import, its private half encrypted.
  case importKey = "import-key"
  /// An issuer of JWTs outside of any cluster.
  case issuer
  /// One revision of the policy, with all its documents.
  case policy
  /// A machine role.
  case role
  /// A secret in one environment: its versions without their values.
  case secret
  /// A secret id of a machine role, hashed.
  case secretID = "secret-id"
  /// When and by whom a secret's versions were read last.
  case secretUse = "secret-use"
  /// The values of one version of a secret, wrapped: an envelope.
  case secretVersion = "secret-version"
  /// An access token, hashed.
  case token

  /// Whether a restore leaves records of this kind out: what lets somebody in without proving an
  /// identity again may have been revoked since the backup, and a wrapping key may have been used.
  ///
  /// Exports stay: a copy in a cloud does not go with a restore, and an inventory that forgot it
  /// would let its key be destroyed.
  package var endsWithRestore: Bool {
    switch self {
    case .approval, .importKey, .secretID, .token: true
    case .authority, .cluster, .destination, .environment, .export, .issuer, .policy, .role,
      .secret, .secretUse, .secretVersion:
      false
    }
  }

  /// Whether a restore keeps the records of the store that it replaces: what they tell of happened
  /// outside, and does not go back with a backup.
  package var outlivesRestore: Bool { self == .export }
}
