import Foundation
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Vaultwarden CVE-2026-43911: who was revoked keeps access by another path.
@Suite
struct V21Tests {
  private static let policy = """
    apiVersion: keyward.dev/v1
    kind: Binding
    metadata: {name: all}
    spec:
      role: security-officer
      subjects:
        - {issuer: kubernetes, cluster: "*", name: "system:serviceaccount:apps:kms"}
        - {issuer: ci, name: "system:serviceaccount:apps:kms"}
        - {issuer: roles, name: backup}
        - {issuer: tokens, name: eve}
    """

  /// Each kind of record that vouches, and how its identity comes in.
  enum Voucher: String, CaseIterable, Sendable {
    case cluster
    case issuer
    case role

    func register(_ server: TestServer, _ issuer: TestIssuer) async throws -> LoginRequest {
      let service = try server.service
      switch self {
      case .cluster: try await server.register("one", issuer)
      case .issuer: _ = try await service.writeIssuer(.officer, "ci", try issuer.document())
      case .role:
        _ = try await service.writeRole(.officer, "backup", MachineRoleDocument())
        let secret = try await service.createSecretID(.officer, "backup", networks: [])
        return LoginRequest(method: .role, roleID: secret.roleID, secretID: secret.secretID)
      }
      return LoginRequest(method: .jwt, jwt: try issuer.token(now: server.clock.now()))
    }

    func delete(_ server: TestServer) async throws {
      let service = try server.service
      switch self {
      case .cluster: _ = try await service.deleteRegistered(.officer, .clusters, "one")
      case .issuer: _ = try await service.deleteRegistered(.officer, .issuers, "ci")
      case .role: _ = try await service.deleteRegistered(.officer, .roles, "backup")
      }
    }
  }

  @Test(arguments: Voucher.allCases)
  func whatTheRecordVouchedForEndsWithIt(_ voucher: Voucher) async throws {
    let server = try await TestServer.unsealed()
    try await server.apply(Self.policy)
    let issuer = try TestIssuer()
    let request = try await voucher.register(server, issuer)
    let token = try await server.login(request)
    let caller = try await server.known(token.token)
    let child = try await server.service.createToken(caller, TokenRequest())
    try await voucher.delete(server)
    await refused(.unauthenticated) { try await server.known(token.token) }
    await refused(.unauthenticated) { try await server.known(child.token) }
    await refused(.unauthenticated) { try await server.login(request) }
    // A record of the same name brings none of them back.
    _ = try await voucher.register(server, try TestIssuer())
    await refused(.unauthenticated) { try await server.known(token.token) }
    await refused(.unauthenticated) { try await server.login(request) }
    #expect(
      try await server.service.listTokens(.officer, limit: 10, cursor: nil).tokens.isEmpty
    )
  }

  /// An approval that was given by somebody who is gone counts no more.
  @Test(arguments: Voucher.allCases)
  func anApprovalEndsWithItsApprover(_ voucher: Voucher) async throws {
    let server = try await TestServer.unsealed()
    try await server.create("guarded/key")
    let rule = """
      apiVersion: keyward.dev/v1
      kind: ApprovalRule
      metadata: {name: one}
      spec:
        operations: [key:rotate]
        resources: ["keys/guarded/**"]
        require: {n: 1, of: [{issuer: "*"}]}
      """
    try await server.apply(Self.policy + "\n---\n" + rule)
    let request = try await voucher.register(server, try TestIssuer())
    let approver = try await server.known(try await server.login(request).token)
    let eve = Caller.named("eve")
    let error = await refused(.approvalRequired) {
      try await server.service.rotateKey(eve.asking("a"), name: "guarded/key")
    }
    let words = try #require(error?.message)
    let start = try #require(words.range(of: "apr-")).lowerBound
    let id = try #require(ApprovalID(String(words[start...].prefix(30))))
    #expect(
      try await server.service.vote(approver, id, isApproval: true).state == "approved"
    )
    try await voucher.delete(server)
    #expect(try await server.service.showApproval(.officer, id).state == "pending")
    await refused(.approvalRequired) {
      try await server.service.rotateKey(eve.asking("a", id), name: "guarded/key")
    }
  }

  /// A cluster that loses an issuer, as when its key was stolen: its tokens end with it.
  @Test
  func anIssuerThatIsTakenOutOfItsClusterTakesItsTokens() async throws {
    let server = try await TestServer.unsealed()
    try await server.apply(Self.policy)
    let request = try await Voucher.cluster.register(server, try TestIssuer())
    let token = try await server.login(request).token
    _ = try await server.known(token)
    _ = try await server.service.writeCluster(
      .officer,
      "one",
      ClusterDocument(issuers: [try TestIssuer("https://other.test/").document(name: "other")])
    )
    await refused(.unauthenticated) { try await server.known(token) }
  }

  /// A login that is on its way to the disk while its cluster is deleted leaves no token behind.
  @Test
  func aLoginThatIsOvertakenLeavesNothingThatWorks() async throws {
    let server = try await TestServer.unsealed(isFaulty: true)
    let issuer = try TestIssuer()
    try await server.register("one", issuer)
    let text = try issuer.token(now: server.clock.now())
    let gate = Gate()
    try server.faults.holdNextCommit { gate.wait() }
    // The deletion is in the commit that is held; the login proves itself against the old registry.
    async let deleted = server.service.deleteRegistered(.officer, .clusters, "one")
    try await Task.sleep(for: .milliseconds(200))
    async let made = server.login(LoginRequest(method: .jwt, jwt: text))
    try await Task.sleep(for: .milliseconds(200))
    gate.open()
    _ = try await deleted
    let token = try? await made
    if let token { await refused(.unauthenticated) { try await server.known(token.token) } }
    await refused(.unauthenticated) { try await server.known(text) }
  }
}
