import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Nobody gives by a policy what they do not hold, locks themselves out, or lets strangers in.
@Suite
struct PolicyPlanTests {
  private static let writers = """
    apiVersion: keyward.dev/v1
    kind: Role
    metadata: {name: team-lead}
    spec:
      rules:
        - effect: allow
          operations: [policy:apply, policy:read]
          resources: [policy]
        - effect: allow
          operations: ["key:*"]
          resources: ["keys/team/**"]
    ---
    apiVersion: keyward.dev/v1
    kind: Binding
    metadata: {name: leads}
    spec:
      role: team-lead
      subjects: [{issuer: tokens, name: lead}]

    """

  private static let lead = Caller(
    principal: Principal(kind: .token, name: "lead"),
    transport: .https,
    requestID: "lead"
  )

  private static func grant(_ resource: String, _ operation: String = "key:encrypt") -> String {
    """
    apiVersion: keyward.dev/v1
    kind: Role
    metadata: {name: member}
    spec:
      rules:
        - {effect: allow, operations: ["\(operation)"], resources: ["\(resource)"]}
    ---
    apiVersion: keyward.dev/v1
    kind: Binding
    metadata: {name: members}
    spec:
      role: member
      subjects: [{issuer: tokens, name: member}]

    """
  }

  private func apply(
    _ server: TestServer,
    _ caller: Caller,
    _ text: String,
    prune: Bool = false,
    dryRun: Bool = false
  ) async throws -> PolicyPlan {
    try await server.service.applyPolicy(
      caller,
      PolicyApplyRequest(
        files: [PolicyFile(name: "p.yaml", text: text)],
        prune: prune,
        dryRun: dryRun
      )
    )
  }

  @Test
  func aWriterGivesOnlyWhatTheyHold() async throws {
    let server = try await TestServer.unsealed()
    _ = try await apply(server, .officer, Self.writers)
    let plan = try await apply(server, Self.lead, Self.grant("keys/team/app"))
    #expect(plan.revision == 2)
    #expect(plan.gained.count == 1 && plan.lost.isEmpty && plan.isExact)
    #expect(plan.gained.first?.example.contains("tokens/member") == true)
    for (resource, operation) in [
      ("keys/other/app", "key:encrypt"), ("keys/**", "key:encrypt"), ("keys/team/app", "*"),
      ("policy", "policy:escalate"), ("auth/issuers/x", "auth:write"),
    ] {
      await refused(.forbidden, "\(operation) \(resource)") {
        try await apply(server, Self.lead, Self.grant(resource, operation))
      }
      // The plan says so, and changes nothing.
      let plan = try await apply(server, Self.lead, Self.grant(resource, operation), dryRun: true)
      #expect(plan.revision == nil)
      #expect(plan.warnings.contains { $0.contains("do not hold") })
    }
    #expect(try await server.service.policyText(.officer, revision: nil).revision.revision == 2)
    // An officer holds everything.
    #expect(try await apply(server, .officer, Self.grant("keys/**")).revision == 3)
  }

  /// Taking a forbid or an approval away gives access as much as an allow does.
  @Test
  func aWriterDoesNotTakeAwayWhatBindsThem() async throws {
    let limits = """
      apiVersion: keyward.dev/v1
      kind: Role
      metadata: {name: limited}
      spec:
        rules:
          - {effect: forbid, operations: [key:destroy], resources: ["keys/team/**"]}
      ---
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: limits}
      spec:
        role: limited
        subjects: [{issuer: tokens}]
      ---
      apiVersion: keyward.dev/v1
      kind: ApprovalRule
      metadata: {name: rotate}
      spec:
        operations: [key:rotate]
        resources: ["keys/team/**"]
        require: {n: 1, of: [{issuer: tokens, name: boss}]}

      """
    let server = try await TestServer.unsealed()
    _ = try await apply(server, .officer, Self.writers + "---\n" + limits)
    await refused(.forbidden) { try await apply(server, Self.lead, Self.writers, prune: true) }
    #expect(try await apply(server, .officer, Self.writers, prune: true).revision == 2)
  }

  @Test
  func aWriterKeepsTheRightToWrite() async throws {
    let server = try await TestServer.unsealed()
    _ = try await apply(server, .officer, Self.writers)
    await refused(.conflict) {
      try await apply(server, Self.lead, Self.grant("keys/team/app"), prune: true)
    }
    let lockout = """
      apiVersion: keyward.dev/v1
      kind: Role
      metadata: {name: nobody}
      spec:
        rules:
          - {effect: forbid, operations: ["*"], resources: [policy]}
      ---
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: nobody}
      spec:
        role: nobody
        subjects: [{issuer: unix}]

      """
    await refused(.conflict) { try await apply(server, .officer, lockout) }
  }
}
