import KeywardAudit
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Logins: JWTs of registered issuers, and machine roles.
@Suite
struct LoginTests {
  private static func role(
    _ server: TestServer,
    _ document: MachineRoleDocument = MachineRoleDocument()
  ) async throws -> IssuedSecretID {
    _ = try await server.service.writeRole(.officer, "backup", document)
    return try await server.service.createSecretID(.officer, "backup", networks: [])
  }

  private static func request(_ secret: IssuedSecretID) -> LoginRequest {
    LoginRequest(method: .role, roleID: secret.roleID, secretID: secret.secretID)
  }

  @Test
  func aJWTIsExchangedForATokenThatEndsWithIt() async throws {
    let server = try await TestServer.unsealed()
    try await server.bindServiceAccount()
    let issuer = try TestIssuer()
    try await server.register("eu", issuer)
    let text = try issuer.token(now: server.clock.now())
    let made = try await server.login(LoginRequest(method: .jwt, jwt: text))
    let caller = try await server.known(made.token)
    #expect(caller.principal.cluster == "eu")
    #expect(caller.principal.issuer == "kubernetes")
    #expect(caller.principal.name == "system:serviceaccount:apps:kms")
    #expect(try await server.known(text).principal == caller.principal)
    let accessor = made.info.accessor
    await refused(.conflict) {
      // The JWT lives ten minutes, and so does what was made of it.
      try await server.service.renewToken(.officer, accessor: accessor, increment: 86_400)
    }
    // The JWT itself is taken for the skew of a minute longer, and so is the token.
    server.clock.advance(seconds: 659)
    _ = try await server.known(made.token)
    server.clock.advance(seconds: 1)
    await refused(.unauthenticated) { try await server.known(made.token) }
    await refused(.unauthenticated) { try await server.known(text) }
    let logins = try server.events().filter { $0.operation == "auth:login" }
    #expect(logins.contains { $0.token == accessor && $0.rule == "login:jwt" })
  }

  /// A token that is to be taken once is taken once, as a login or as a request, whatever else it is
  /// used for, and after a restart not at all.
  @Test
  func aSingleUseTokenIsTakenOnce() async throws {
    let server = try await TestServer.unsealed()
    try await server.bindServiceAccount()
    let issuer = try TestIssuer()
    _ = try await server.service.writeIssuer(
      .officer,
      "ci",
      try issuer.document(singleUse: true)
    )
    server.clock.advance(seconds: 300)
    let text = try issuer.token(now: server.clock.now())
    _ = try await server.login(LoginRequest(method: .jwt, jwt: text))
    await refused(.unauthenticated) {
      try await server.login(LoginRequest(method: .jwt, jwt: text))
    }
    await refused(.unauthenticated) { try await server.known(text) }
    let other = try issuer.token(now: server.clock.now())
    _ = try await server.known(other)
    await refused(.unauthenticated) {
      try await server.login(LoginRequest(method: .jwt, jwt: other))
    }
    let unused = try issuer.token(now: server.clock.now())
    try await server.restart()
    for text in [text, other, unused] {
      await refused(.unauthenticated) { try await server.known(text) }
    }
    // Of many at once one.
    server.clock.advance(seconds: 300)
    let raced = try issuer.token(now: server.clock.now())
    let taken = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<40 { group.addTask { (try? await server.known(raced)) != nil } }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(taken == 1)
  }

  @Test
  func aRoleLogsInWithItsSecretID() async throws {
    let server = try await TestServer.unsealed()
    let document = MachineRoleDocument(
      environment: "prod",
      networks: ["192.0.2.0/24"],
      tokenTTL: 60,
      tokenMaximumTTL: 120,
      tokenUses: 2,
      secretIDTTL: 1000,
      secretIDUses: 2
    )
    let secret = try await Self.role(server, document)
    let made = try await server.login(Self.request(secret))
    let caller = try await server.known(made.token)
    #expect(
      caller.principal == Principal(kind: .machineRole, name: "backup", environment: "prod")
    )
    #expect(made.info.usesLeft == 2)
    let elsewhere = Peer.network(try #require(NetworkAddress("198.51.100.1")), certificates: [])
    await refused(.unauthenticated) {
      try await server.login(Self.request(secret), peer: elsewhere)
    }
    // Uses are counted over a restart, and the second is the last.
    try await server.restart()
    _ = try await server.login(Self.request(secret))
    await refused(.unauthenticated) { try await server.login(Self.request(secret)) }
    let late = try await server.service.createSecretID(.officer, "backup", networks: [])
    server.clock.advance(seconds: 1000)
    await refused(.unauthenticated) { try await server.login(Self.request(late)) }
    let gone = try await server.service.createSecretID(.officer, "backup", networks: [])
    _ = try await server.service.revokeSecretID(
      .officer,
      "backup",
      accessor: gone.info.accessor
    )
    await refused(.unauthenticated) { try await server.login(Self.request(gone)) }
  }

  /// The same words for what is unknown and what is wrong, and guesses of a role are slowed down under
  /// all its spellings.
  @Test
  func guessesAreAnsweredAlikeAndSlowedDown() async throws {
    let server = try await TestServer.unsealed()
    let secret = try await Self.role(server)
    let wrong = "kws_" + String(repeating: "A", count: 43)
    var words: Set<ServiceError?> = []
    for (role, secretID) in [
      (secret.roleID, wrong), ("role-unknown", secret.secretID), ("", ""), (secret.roleID, "x"),
      (secret.roleID.uppercased(), wrong), (" " + secret.roleID, wrong),
      (secret.roleID + " ", wrong),
    ] {
      words.insert(
        await refused(.unauthenticated) {
          try await server.login(LoginRequest(method: .role, roleID: role, secretID: secretID))
        }
      )
    }
    #expect(words == [.unauthenticated])
    // Five failures under four spellings: even the right secret is not looked at now.
    await refused(.unauthenticated) { try await server.login(Self.request(secret)) }
    server.clock.advance(seconds: 1)
    _ = try await server.login(Self.request(secret))
    _ = try await server.login(Self.request(secret))
  }

  /// A role with an unknown method of proof, a missing field or somebody else's secret.
  @Test
  func aSecretIDIsOfItsRoleAlone() async throws {
    let server = try await TestServer.unsealed()
    let one = try await Self.role(server)
    _ = try await server.service.writeRole(.officer, "other", MachineRoleDocument())
    let two = try await server.service.createSecretID(.officer, "other", networks: [])
    for request in [
      LoginRequest(method: .role, roleID: one.roleID, secretID: two.secretID),
      LoginRequest(method: .role, roleID: two.roleID, secretID: one.secretID),
      LoginRequest(method: .role, roleID: one.roleID), LoginRequest(method: .role),
      LoginRequest(method: .jwt), LoginRequest(method: .certificate),
      LoginRequest(method: .jwt, jwt: one.secretID),
    ] {
      await refused(.unauthenticated) { try await server.login(request) }
    }
    // A role that is made anew is another role.
    _ = try await server.service.deleteRegistered(.officer, .roles, "backup")
    _ = try await server.service.writeRole(.officer, "backup", MachineRoleDocument())
    await refused(.unauthenticated) { try await server.login(Self.request(one)) }
  }
}
