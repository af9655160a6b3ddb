import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// What an approval and a vote are bound to besides the request: the key itself, and the token that
/// voted.
@Suite
struct ApprovalBindingTests {
  private static func server() async throws -> TestServer {
    let server = try await TestServer.unsealed()
    try await server.create("guarded/key")
    try await server.apply(ApprovalTests.policy)
    return server
  }

  private static func voter(_ server: TestServer, _ name: String) async throws -> (Caller, String) {
    let made = try await server.service.createToken(.officer, TokenRequest(name: name))
    return (try await server.known(made.token), made.info.accessor)
  }

  /// A token that was stolen, and voted, takes its vote with it when it is revoked.
  @Test
  func aVoteOfARevokedTokenCountsNoMore() async throws {
    let server = try await Self.server()
    let eve = ApprovalTests.eve
    let id = try await ApprovalTests.Act.rotate.ask(server, eve.asking("a"))
    let (ann, accessor) = try await Self.voter(server, "ann")
    let (bob, _) = try await Self.voter(server, "bob")
    for voter in [ann, bob] { _ = try await server.service.vote(voter, id, isApproval: true) }
    #expect(try await server.service.showApproval(bob, id).state == "approved")
    _ = try await server.service.revokeToken(.officer, accessor: accessor)
    let info = try await server.service.showApproval(bob, id)
    #expect(info.state == "pending" && info.votes.map(\.principal.name) == ["bob"])
    await refused(.approvalRequired) {
      try await ApprovalTests.Act.rotate.perform(server, eve.asking("a", id))
    }
    // So it is after a restart, and with another token the same person votes again.
    try await server.restart()
    #expect(try await server.service.showApproval(.officer, id).state == "pending")
    let (again, _) = try await Self.voter(server, "ann")
    _ = try await server.service.vote(again, id, isApproval: true)
    try await ApprovalTests.Act.rotate.perform(server, eve.asking("a", id))
  }

  /// A vote outlives a token that just ended: people approve and go home.
  @Test
  func aVoteOfAnExpiredTokenCounts() async throws {
    let server = try await Self.server()
    let eve = ApprovalTests.eve
    let id = try await ApprovalTests.Act.encrypt.ask(server, eve.asking("a"))
    let made = try await server.service.createToken(.officer, TokenRequest(name: "ann", ttl: 60))
    let ann = try await server.known(made.token)
    _ = try await server.service.vote(ann, id, isApproval: true)
    _ = try await server.service.vote(ApprovalTests.bob, id, isApproval: true)
    server.clock.advance(seconds: 600)
    await refused(.unauthenticated) { try await server.known(made.token) }
    try await ApprovalTests.Act.encrypt.perform(server, eve.asking("a", id))
  }

  /// A key that is made anew under the name of another was not approved of.
  @Test
  func anApprovalIsOfOneKeyAndNotOfItsName() async throws {
    let server = try await TestServer.unsealed()
    try await server.apply(ApprovalTests.policy)
    let name: KeyName = "guarded/late"
    let eve = ApprovalTests.eve
    let error = await refused(.approvalRequired) {
      try await server.service.rotateKey(eve.asking("a"), name: name)
    }
    let id = try #require(error?.approval)
    for voter in [ApprovalTests.ann, ApprovalTests.bob] {
      _ = try await server.service.vote(voter, id, isApproval: true)
    }
    try await server.createApproved(name)
    let refusal = await refused(.approvalRequired) {
      try await server.service.rotateKey(eve.asking("a", id), name: name)
    }
    #expect(refusal?.message == "The approval is not of this request.")
  }
}

extension TestServer {
  /// Makes a key whose creation needs approvals too.
  fileprivate func createApproved(_ name: KeyName) async throws {
    let request = CreateKeyRequest(
      name: name.description,
      type: KeyType.aes256.rawValue,
      operations: KeyType.aes256.possibleOperations.list.map(\.rawValue)
    )
    let error = await refused(.approvalRequired) {
      try await service.createKey(ApprovalTests.eve.asking("c"), request)
    }
    let id = try #require(error?.approval)
    for voter in [ApprovalTests.ann, ApprovalTests.bob] {
      _ = try await service.vote(voter, id, isApproval: true)
    }
    _ = try await service.createKey(ApprovalTests.eve.asking("c", id), request)
  }
}
