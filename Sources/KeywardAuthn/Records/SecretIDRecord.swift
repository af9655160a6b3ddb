package import KeywardModel

/// A secret id of a machine role as it is stored.
package struct SecretIDRecord: Hashable, Sendable {
  package let accessor: Accessor
  package let role: RegistryName
  /// Of the role that it was made for: a new role of the same name does not take it over.
  package let roleID: RoleID
  package let digest: CredentialDigest
  package let createdAt: Timestamp
  /// The first moment at which it does not hold any more.
  package let expiresAt: Timestamp
  /// Nil for as often as one likes; stored again after each use otherwise.
  package private(set) var usesLeft: Int64?
  /// The networks that it may come from; empty for every network.
  package let networks: [NetworkPrefix]
  /// The latest moment that a login showed: a clock that steps back is taken to stand still (V20).
  package private(set) var latest: Timestamp

  /// Makes a secret id for `role` at `now`.
  package init(
    accessor: Accessor,
    role: MachineRoleRecord,
    digest: CredentialDigest,
    now: Timestamp,
    networks: [NetworkPrefix] = []
  ) {
    self.accessor = accessor
    self.role = role.name
    roleID = role.roleID
    self.digest = digest
    createdAt = now
    latest = now
    expiresAt = now.adding(seconds: role.secretIDTTL)
    usesLeft = role.secretIDUses
    self.networks = networks
  }

  /// Counts a login.
  mutating func use(now: Timestamp) {
    latest = max(latest, now)
    if let left = usesLeft { usesLeft = max(left - 1, 0) }
  }

  /// The record with a login counted.
  package func used(at now: Timestamp) -> SecretIDRecord {
    var record = self
    record.use(now: now)
    return record
  }

  /// Whether it holds at `now`, wherever from.
  package func holds(at now: Timestamp) -> Bool {
    max(now, latest) < expiresAt && usesLeft != 0
  }

  /// The form that the API shows.
  package var info: SecretIDInfo {
    SecretIDInfo(
      accessor: accessor.description,
      role: role.description,
      createdAt: createdAt.rfc3339,
      expiresAt: expiresAt.rfc3339,
      usesLeft: usesLeft,
      networks: networks.map(\.description)
    )
  }

  private static let label = "keyward/secret-id/1"

  /// The form that the store keeps.
  package var encoded: [UInt8] {
    var writer = RecordWriter(Self.label)
    writer.add(accessor.description)
    writer.add(role.description)
    writer.add(roleID.description)
    writer.add(digest.bytes)
    writer.add(createdAt.milliseconds)
    writer.add(expiresAt.milliseconds)
    writer.add(usesLeft)
    writer.add(list: networks.map(\.description))
    writer.add(latest.milliseconds)
    return writer.bytes
  }

  /// Reads what ``encoded`` wrote.
  package init(decoding bytes: [UInt8]) throws(AuthnError) {
    do {
      var reader = try RecordReader(bytes, label: Self.label)
      guard let accessor = Accessor(try reader.readText()) else {
        throw AuthnError.damaged("secret id")
      }
      self.accessor = accessor
      role = try reader.readRegistryName()
      guard let roleID = RoleID(try reader.readText()),
        let digest = CredentialDigest(stored: try reader.readBytes())
      else { throw AuthnError.damaged("secret id") }
      self.roleID = roleID
      self.digest = digest
      createdAt = try reader.readTimestamp()
      expiresAt = try reader.readTimestamp()
      usesLeft = try reader.readOptionalSigned()
      networks = try reader.readNetworks()
      latest = try reader.readTimestamp()
      try reader.finish()
    } catch {
      throw .damaged("secret id")
    }
  }
}
