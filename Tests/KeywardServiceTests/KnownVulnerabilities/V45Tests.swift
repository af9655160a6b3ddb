import KeywardModel
import KeywardService
import KeywardStore
import KeywardTesting
import Testing

/// Bitwarden CVE-2026-60104, Delinea CVE-2026-115829: an approval that is not bound to its request.
///
/// `ApprovalTests` has the rest: a changed byte, another requester, a second use, an expired one.
@Suite
struct V45Tests {
  private static let act = ApprovalTests.Act.rotate

  /// What counts is who the approvers are now: the same person under two tokens is one.
  @Test
  func twoTokensOfOneNameAreOneApprover() async throws {
    let server = try await TestServer.unsealed()
    try await server.create("guarded/key")
    try await server.apply(ApprovalTests.policy)
    let id = try await Self.act.ask(server, ApprovalTests.eve.asking("a"))
    let service = try server.service
    for _ in 0..<2 {
      let token = try await service.createToken(.officer, TokenRequest(name: "ann")).token
      let ann = try await server.known(token)
      _ = try? await service.vote(ann, id, isApproval: true)
    }
    #expect(try await service.showApproval(ApprovalTests.bob, id).votes.count == 1)
    await refused(.approvalRequired) {
      try await Self.act.perform(server, ApprovalTests.eve.asking("a", id))
    }
  }

  /// An approval of the time before a policy took the right away is none after it.
  @Test
  func whoMayNotAskAnyMoreMayNotUseItEither() async throws {
    let server = try await TestServer.unsealed()
    try await server.create("guarded/key")
    try await server.apply(ApprovalTests.policy)
    let id = try await Self.act.ask(server, ApprovalTests.eve.asking("a"))
    for voter in [ApprovalTests.ann, ApprovalTests.bob] {
      _ = try await server.service.vote(voter, id, isApproval: true)
    }
    try await server.apply(
      """
      apiVersion: keyward.dev/v1
      kind: Role
      metadata: {name: not}
      spec: {rules: [{effect: forbid, operations: [key:rotate], resources: ["keys/**"]}]}
      ---
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: not}
      spec: {role: not, subjects: [{issuer: tokens, name: eve}]}
      """
    )
    await refused(.forbidden) {
      try await Self.act.perform(server, ApprovalTests.eve.asking("a", id))
    }
  }
}
