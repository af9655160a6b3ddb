package import KeywardCrypto
package import KeywardModel

/// The login of a machine role: a role id with a secret id.
///
/// One answer and one amount of work for an unknown role, an unknown or wrong secret id, one of another
/// role, one that has ended, and a wrong network: every check is made of some record, and the results
/// are joined at the end (V10).
package enum MachineLogin {
  package enum Outcome: Sendable {
    /// The role, and the secret id with this login counted, to be stored.
    case accepted(MachineRoleRecord, SecretIDRecord)
    /// For the log only; the client hears one answer.
    case refused(Refusal)
  }

  package enum Refusal: String, Error, Hashable, Sendable, CaseIterable {
    case unknownRole = "unknown-role"
    case unknownSecretID = "unknown-secret-id"
    case otherRole = "secret-id-of-another-role"
    case ended = "secret-id-ended"
    case network
  }

  /// What is looked up of a role id.
  static func digest(of roleID: String) -> [UInt8] {
    Digest.sha256(Array("keyward/role-id/1/".utf8), Array(roleID.utf8))
  }

  /// Decides about a login.
  ///
  /// `roleID` and `secretID` are as the client sent them, `key` is the store's key for credentials,
  /// and `source` the address of the peer, nil on a Unix socket.
  package static func verify(
    roleID: String,
    secretID: String,
    registry: Registry,
    secretIDs: DigestIndex<SecretIDRecord>,
    key: HMACKey,
    now: Timestamp,
    source: NetworkAddress?
  ) -> Outcome {
    let presented = Credential(.secretID, secretID)
    // What is no secret id at all costs a MAC as well.
    let credential = presented ?? Credential(.secretID, random: unknown)
    let digest = credential?.digest(key).bytes ?? unknown
    let role = registry.roles.nearest(to: Self.digest(of: roleID))
    let secret = secretIDs.nearest(to: digest)
    guard let role, let secret else { return .refused(.unknownRole) }
    let isOfRole = constantTimeEquals(
      Array(role.value.roleID.description.utf8),
      Array(secret.value.roleID.description.utf8)
    )
    // In the order of `Refusal`; the lowest bit is the one that is told.
    var failures: UInt8 = 0
    failures |= bit(role.isExact, 0)
    failures |= bit(secret.isExact, 1)
    failures |= bit(presented != nil, 1)
    failures |= bit(isOfRole, 2)
    failures |= bit(secret.value.holds(at: now), 3)
    failures |= bit(contains(role.value.networks, source), 4)
    failures |= bit(contains(secret.value.networks, source), 4)
    guard failures == 0 else {
      return .refused(Refusal.allCases[failures.trailingZeroBitCount])
    }
    var used = secret.value
    used.use(now: now)
    return .accepted(role.value, used)
  }

  /// A bit that is set when a check has not passed.
  private static func bit(_ passed: Bool, _ position: UInt8) -> UInt8 {
    (passed ? 0 : 1) << position
  }

  private static let unknown = [UInt8](repeating: 0, count: Credential.randomLength)

  private static func contains(_ networks: [NetworkPrefix], _ source: NetworkAddress?) -> Bool {
    guard !networks.isEmpty else { return true }
    guard let source else { return false }
    return networks.contains { $0.contains(source) }
  }
}
