package import KeywardModel

/// A machine role: the identity of a system that has none of its own.
package struct MachineRoleRecord: Hashable, Sendable {
  package let name: RegistryName
  package let roleID: RoleID
  package let environment: String?
  /// The networks that logins may come from; empty for every network.
  package let networks: [NetworkPrefix]
  /// What a login gives.
  package let token: TokenRecord.Terms
  /// Seconds that a secret id lives.
  package let secretIDTTL: Int64
  /// How often a secret id can be used; nil for as often as one likes.
  package let secretIDUses: Int64?

  package static let defaultSecretIDTTL: Int64 = 30 * 86_400

  /// Checks what the API was given; the server makes the role id, and it stays.
  package init(
    _ document: MachineRoleDocument,
    path: RegistryName? = nil,
    roleID: RoleID
  ) throws(AuthnError) {
    name = try FieldRules.name(document.name, path: path)
    guard document.roleID == nil || document.roleID == roleID.description else {
      throw AuthnError("'role_id' is made by the server.", remedy: "Leave it out.")
    }
    self.roleID = roleID
    environment = try FieldRules.environment(document.environment)
    networks = try FieldRules.networks(document.networks)
    do {
      token = try TokenRecord.Terms(
        ttl: document.tokenTTL,
        maximumTTL: document.tokenMaximumTTL,
        uses: document.tokenUses,
        networks: networks
      )
    } catch {
      throw AuthnError("In the fields 'token_…': \(error.message)", remedy: error.remedy)
    }
    secretIDTTL = try FieldRules.positive(
      document.secretIDTTL,
      "secret_id_ttl",
      atMost: TokenRecord.Terms.longestTTL,
      default: Self.defaultSecretIDTTL
    )
    secretIDUses = try FieldRules.uses(document.secretIDUses, "secret_id_uses")
  }

  /// The identity of who logs in.
  package var principal: Principal {
    Principal(kind: .machineRole, name: name.description, environment: environment)
  }

  /// The form that the API shows.
  package var document: MachineRoleDocument {
    MachineRoleDocument(
      name: name.description,
      roleID: roleID.description,
      environment: environment,
      networks: networks.isEmpty ? nil : networks.map(\.description),
      tokenTTL: token.ttl,
      tokenMaximumTTL: token.maximumTTL,
      tokenUses: token.uses,
      secretIDTTL: secretIDTTL,
      secretIDUses: secretIDUses
    )
  }

  private static let label = "keyward/machine-role/1"

  /// The form that the store keeps.
  package var encoded: [UInt8] {
    var writer = RecordWriter(Self.label)
    writer.add(name.description)
    writer.add(roleID.description)
    writer.add(optional: environment)
    writer.add(list: networks.map(\.description))
    writer.add(token.ttl)
    writer.add(token.maximumTTL)
    writer.add(token.uses)
    writer.add(secretIDTTL)
    writer.add(secretIDUses)
    return writer.bytes
  }

  /// Reads what ``encoded`` wrote.
  package init(decoding bytes: [UInt8]) throws(AuthnError) {
    do {
      var reader = try RecordReader(bytes, label: Self.label)
      name = try reader.readRegistryName()
      guard let roleID = RoleID(try reader.readText()) else {
        throw AuthnError.damaged("machine role")
      }
      self.roleID = roleID
      environment = try reader.readOptionalText()
      networks = try reader.readNetworks()
      token = try TokenRecord.Terms(
        ttl: reader.readSigned(),
        maximumTTL: reader.readSigned(),
        uses: reader.readOptionalSigned(),
        networks: networks
      )
      secretIDTTL = try reader.readSigned()
      secretIDUses = try reader.readOptionalSigned()
      try reader.finish()
    } catch {
      throw .damaged("machine role")
    }
  }
}
