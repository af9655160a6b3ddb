import KeywardAuthn
import KeywardCrypto
import KeywardModel
import Testing

/// Some machine roles with a secret id each.
struct MachineWorld {
  let key: HMACKey
  let roles: [MachineRoleRecord]
  let secrets: [String]
  let registry: Registry
  var secretIDs: DigestIndex<SecretIDRecord>

  init(roles count: Int, document: MachineRoleDocument? = nil) throws {
    var random = SeededRandom(seed: 4)
    key = try HMACKey(.sha256, key: SecretBytes.fixture([UInt8](repeating: 5, count: 32)))
    var roles: [MachineRoleRecord] = []
    var secrets: [String] = []
    var index = DigestIndex<SecretIDRecord>()
    var registry = Registry.empty
    for number in 0..<count {
      var document = document ?? MachineRoleDocument()
      document.name = "role-\(number)"
      let role = try MachineRoleRecord(
        document,
        roleID: #require(RoleID(random: random.bytes(16)))
      )
      registry = try registry.applying(.putRole(role))
      let secret = try #require(Credential(.secretID, random: random.bytes(32)))
      let record = SecretIDRecord(
        accessor: try #require(Accessor(.secretID, random: random.bytes(16))),
        role: role,
        digest: secret.digest(key),
        now: now
      )
      index.insert(record.digest, record)
      roles.append(role)
      secrets.append(secret.revealed())
    }
    self.roles = roles
    self.secrets = secrets
    self.registry = registry
    secretIDs = index
  }

  func verify(
    roleID: String,
    secretID: String,
    at time: Timestamp = now,
    source: NetworkAddress? = nil,
    registry: Registry? = nil
  ) -> MachineLogin.Outcome {
    MachineLogin.verify(
      roleID: roleID,
      secretID: secretID,
      registry: registry ?? self.registry,
      secretIDs: secretIDs,
      key: key,
      now: time,
      source: source
    )
  }
}
