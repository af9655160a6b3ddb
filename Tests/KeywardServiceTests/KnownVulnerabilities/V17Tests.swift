import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Vault CVE-2023-24999, OpenBao CVE-2026-40264: a child addressed by its id, its parent not looked at.
@Suite
struct V17Tests {
  /// The accessor of one role's secret id is nothing to another role.
  @Test
  func aSecretIDIsReachedByItsOwnRoleAlone() async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    for name in ["one", "two"] as [RegistryName] {
      _ = try await service.writeRole(.officer, name, MachineRoleDocument())
    }
    let secret = try await service.createSecretID(.officer, "one", networks: [])
    let accessor = secret.info.accessor
    let other = await refused(.notFound) {
      try await service.revokeSecretID(.officer, "two", accessor: accessor)
    }
    // Byte for byte what a made-up accessor gets.
    let made = await refused(.notFound) {
      try await service.revokeSecretID(
        .officer,
        "two",
        accessor: "sid-" + accessor.dropFirst(4).reversed()
      )
    }
    #expect(other == made)
    #expect(try await service.listSecretIDs(.officer, "two").secretIDs.isEmpty)
    let request = LoginRequest(method: .role, roleID: secret.roleID, secretID: secret.secretID)
    _ = try await server.login(request)
    // Nor is an accessor of a secret id one of a token, or the other way round.
    await refused(.notFound) { try await service.showToken(.officer, accessor: accessor) }
    await refused(.notFound) { try await service.revokeToken(.officer, accessor: accessor) }
    let token = try await service.createToken(.officer, TokenRequest(name: "ci"))
    await refused(.notFound) {
      try await service.revokeSecretID(.officer, "one", accessor: token.info.accessor)
    }
    _ = try await server.known(token.token)
  }

  /// Who may write one role's secret ids may not touch another's.
  @Test
  func theRightIsAskedForTheRoleThatIsNamed() async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    for name in ["one", "two"] as [RegistryName] {
      _ = try await service.writeRole(.officer, name, MachineRoleDocument())
    }
    try await server.apply(
      """
      apiVersion: keyward.dev/v1
      kind: Role
      metadata: {name: keeper}
      spec: {rules: [{effect: allow, operations: ["auth:*"], resources: [auth/roles/one]}]}
      ---
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: keeper}
      spec: {role: keeper, subjects: [{issuer: tokens, name: ann}]}
      """
    )
    let ann = Caller.named("ann")
    let own = try await service.createSecretID(ann, "one", networks: [])
    let theirs = try await service.createSecretID(.officer, "two", networks: [])
    for accessor in [own.info.accessor, theirs.info.accessor, "sid-none"] {
      await refused(.forbidden) { try await service.revokeSecretID(ann, "two", accessor: accessor) }
    }
    await refused(.forbidden) { try await service.listSecretIDs(ann, "two") }
    await refused(.forbidden) { try await service.createSecretID(ann, "two", networks: []) }
    await refused(.notFound) {
      try await service.revokeSecretID(ann, "one", accessor: theirs.info.accessor)
    }
    _ = try await service.revokeSecretID(ann, "one", accessor: own.info.accessor)
  }
}
