import KeywardAudit
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Applying policy: revisions, plans, conflicts, and what every next start reads.
@Suite
struct PolicyTests {
  static func role(_ name: String, _ resource: String = "keys/a") -> String {
    """
    apiVersion: keyward.dev/v1
    kind: Role
    metadata: {name: \(name)}
    spec: {rules: [{effect: allow, operations: [key:show], resources: ["\(resource)"]}]}

    """
  }

  private static func names(_ server: TestServer) async throws -> [String] {
    try await server.service.policyText(.officer, revision: nil).documents.map(\.name)
  }

  @Test
  func revisionsCountChanges() async throws {
    let server = try await TestServer.unsealed()
    #expect(try await server.service.policyText(.officer, revision: nil).revision.revision == 0)
    #expect(try await server.apply(Self.role("a")).revision == 1)
    #expect(try await server.apply(Self.role("a")).revision == nil)
    let both = try await server.apply(Self.role("b"))
    #expect(both.base == 1 && both.revision == 2)
    #expect(both.changes == [PolicyPlan.Change(action: "create", kind: "Role", name: "b")])
    let dry = try await server.apply(Self.role("c"), prune: true, dryRun: true)
    #expect(dry.revision == nil)
    #expect(Set(dry.changes.map(\.action)) == ["create", "delete"])
    #expect(try await Self.names(server) == ["a", "b"])
    #expect(try await server.apply(Self.role("c"), prune: true).revision == 3)
    #expect(try await Self.names(server) == ["c"])
    try await server.restart()
    #expect(try await Self.names(server) == ["c"])
    _ = try await server.service.seal(.officer)
    try await server.unseal()
    #expect(try await Self.names(server) == ["c"])
    #expect(try await server.service.policyText(.officer, revision: 2).documents.count == 2)
    await refused(.notFound) { try await server.service.policyText(.officer, revision: 4) }
    #expect(
      try await server.service.policyRevisions(.officer).revisions.map(\.revision) == [3, 2, 1]
    )
  }

  @Test
  func anotherRevisionInBetweenIsAConflict() async throws {
    let server = try await TestServer.unsealed()
    try await server.apply(Self.role("a"))
    await refused(.conflict) {
      try await server.service.applyPolicy(
        .officer,
        PolicyApplyRequest(
          files: [PolicyFile(name: "f", text: Self.role("b"))],
          expectedRevision: 0
        )
      )
    }
    // Many at once: each that is done is one revision, the others are told of it.
    let done = await withTaskGroup(of: Bool.self) { group in
      for number in 0..<20 {
        group.addTask { (try? await server.apply(Self.role("r\(number)"))) != nil }
      }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    let text = try await server.service.policyText(.officer, revision: nil)
    #expect(text.revision.revision == UInt64(done + 1))
    #expect(text.documents.count == done + 1)
  }

  @Test
  func whatIsWrongChangesNothing() async throws {
    let server = try await TestServer.unsealed(isFaulty: true)
    try await server.apply(Self.role("a"))
    for wrong in [
      Self.role("b") + "---\n" + Self.role("b"),
      Self.role("b") + "---\nkind: Role\n",
      Self.role("b") + "---\n" + Self.role("security-officer"),
      Self.role("b")
        + "---\napiVersion: keyward.dev/v1\nkind: Binding\nmetadata: {name: x}\n"
        + "spec: {role: nobody, subjects: [{issuer: a}]}\n",
    ] {
      let error = await refused(.invalidRequest) { try await server.apply(wrong) }
      #expect(error?.message.contains("test.yaml:") == true)
    }
    try server.faults.failCommits(1)
    await refused(.storageFull) { try await server.apply(Self.role("b")) }
    #expect(try await Self.names(server) == ["a"])
    try await server.restart()
    #expect(try await Self.names(server) == ["a"])
    await refused(.forbidden) {
      try await server.service.applyPolicy(.stranger, PolicyApplyRequest(files: []))
    }
  }

  /// A hundred revisions are kept; what is older goes.
  @Test
  func theArchiveIsBounded() async throws {
    let server = try await TestServer.unsealed()
    for number in 0..<105 { try await server.apply(Self.role("r", "keys/n\(number)")) }
    let kept = try await server.service.policyRevisions(.officer).revisions.map(\.revision)
    #expect(kept == Array((6...105).reversed()))
    await refused(.notFound) { try await server.service.policyText(.officer, revision: 5) }
    try await server.restart()
    #expect(try await server.service.policyRevisions(.officer).revisions.count == 100)
    #expect(try await server.service.policyText(.officer, revision: 6).revision.revision == 6)
  }

  /// What is taken can be read again: two applies within the limit are not beyond it together.
  ///
  /// It was: the server then did not unseal any more.
  @Test
  func noPolicyIsTakenThatTheNextStartCannotRead() async throws {
    let server = try await TestServer.unsealed()
    func filler(_ name: String) -> String {
      let path = "keys/" + String(repeating: "x", count: 120)
      let list = (0..<1000).map { "\"\(path)/\($0)\"" }.joined(separator: ", ")
      return (0..<18).map { number in
        """
        apiVersion: keyward.dev/v1
        kind: Role
        metadata: {name: \(name)\(number)}
        spec: {rules: [{effect: allow, operations: [key:show], resources: [\(list)]}]}

        """
      }.joined(separator: "---\n")
    }
    try await server.apply(filler("a"))
    await refused(.invalidRequest) { try await server.apply(filler("b")) }
    try await server.restart()
    #expect(try await Self.names(server).count == 18)
    #expect(try server.service.sealStatus().sealed == false)
  }

  /// Escapes say what the same text without them may not: the canonical text has none.
  @Test(arguments: [
    #""\x26a \x2aa""#, #""\#(String(repeating: #"\x5b"#, count: 70))""#,
    #""\u0085 \u2028 \u00e9 \U0001f511 \\ \" '""#, #""a: b # c""#, #"'%TAG ! x'"#, #""---""#,
  ])
  func textsThatAreEscapedAreReadAgainOrRefused(_ description: String) async throws {
    let server = try await TestServer.unsealed()
    let text = """
      apiVersion: keyward.dev/v1
      kind: Role
      metadata: {name: odd, description: \(description)}
      spec: {rules: []}
      """
    let isTaken = (try? await server.apply(text)) != nil
    try await server.restart()
    #expect(try server.service.sealStatus().sealed == false)
    #expect(try await Self.names(server) == (isTaken ? ["odd"] : []))
  }

  /// A forbid rule binds officers too, and whoever is allowed by what is built in.
  @Test
  func forbidAppliesToOfficers() async throws {
    let server = try await TestServer.unsealed()
    try await server.create("a/key")
    try await server.apply(
      """
      apiVersion: keyward.dev/v1
      kind: Role
      metadata: {name: nothing}
      spec: {rules: [{effect: forbid, operations: ["key:*"], resources: ["keys/**"]}]}
      ---
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: nobody}
      spec: {role: nothing, subjects: [{issuer: unix}, {issuer: kms}]}
      """
    )
    await refused(.forbidden) { try await server.service.rotateKey(.officer, name: "a/key") }
    await refused(.forbidden) { try await server.kmsEncrypt("a/key") }
    let last = try #require(try server.events().last)
    #expect(last.rule?.contains("nobody/nothing") == true)
    let answer = try await server.service.decide(
      .officer,
      DecisionRequest(operation: "key:rotate", resource: "keys/a/key"),
      explaining: true
    )
    #expect(!answer.allowed && !answer.explanation.isEmpty)
    try await server.apply(Self.role("a"), prune: true)
    _ = try await server.service.rotateKey(.officer, name: "a/key")
  }
}
