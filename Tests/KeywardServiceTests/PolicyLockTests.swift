import KeywardAudit
import KeywardCrypto
import KeywardKeyring
import KeywardModel
import KeywardPolicy
import KeywardService
import KeywardStore
import KeywardTesting
import Testing

/// A policy that waits for the approval of people who are gone, and the holders of the shares.
@Suite
struct PolicyLockTests {
  private static let lock = PolicyText.approvalRule(
    "policy-by-ann",
    ["policy:apply", "policy:escalate"],
    ["policy"],
    of: "ann"
  )
  private static let others = PolicyText.all(
    PolicyText.approvalRule("imports-by-ann", ["key:import"], ["keys/**"], of: "ann"),
    PolicyText.grant("writer", to: ["eve"], .allow(["policy:read"], ["policy"]))
  )

  /// A server with three shares of five, and a locked policy at revision 1.
  private static func locked(
    _ documents: String = PolicyText.all(lock, others)
  ) async throws -> (TestServer, [String]) {
    let server = try await TestServer(usesKeyFile: false)
    let shares = try await server.initialize(.shamir, shares: 5, threshold: 3)
    try await server.unseal(Array(shares.prefix(3)))
    try await server.apply(documents)
    return (server, shares)
  }

  private static func lift(
    _ server: TestServer,
    _ shares: some Sequence<String>,
    rule: String = "policy-by-ann",
    as caller: Caller = .officer
  ) async throws -> PolicyRevisionInfo {
    let lines: SecretBox = try .of(shares.joined(separator: "\n"))
    return try await server.service.liftApprovalRule(caller, rule, shares: lines)
  }

  private static func change(_ server: TestServer) async throws {
    let text = PolicyText.grant("more", to: ["eve"], .allow(["key:list"], ["keys"]))
    let request = PolicyApplyRequest(files: [PolicyFile(name: "more.yaml", text: text)])
    _ = try await server.service.applyPolicy(Caller.officer.asking("more"), request)
  }

  @Test
  func aQuorumLiftsTheRuleAndNothingElse() async throws {
    let (server, shares) = try await Self.locked()
    await refused(.approvalRequired) { try await Self.change(server) }
    let before = try await server.service.policyText(.officer, revision: nil).documents
    let start = try server.logSize()
    let revision = try await Self.lift(server, shares.suffix(3))
    #expect(revision.revision == 2 && revision.author == "unix/uid:0")
    let after = try await server.service.policyText(.officer, revision: nil).documents
    #expect(after == before.filter { $0.name != "policy-by-ann" } && after.count == 3)
    let event = try #require(try server.events(from: start).first)
    #expect(event.operation == "policy:apply" && event.resource == "policy")
    #expect(event.outcome == .allowed && event.approval == nil)
    let share = try ShareText.parse(try SecretBytes.fixture(Array(shares[0].utf8)))
    #expect(
      event.details == [
        .approvalRule(AuditWord("policy-by-ann")), .quorum(threshold: 3, total: 5),
        .shares(set: AuditWord(share.set.id.description), indices: AuditIndices([3, 4, 5])),
        .versions(from: 1, to: 2), .count(1),
      ]
    )
    try await Self.change(server)
    try await server.restart()
    try await server.unseal(Array(shares.prefix(3)))
    #expect(try await server.service.policyText(.officer, revision: nil).revision.revision == 3)
  }

  /// Two of three, one of them twice, a false one, none at all, a passphrase: refused, each with its
  /// entry.
  @Test
  func lessThanAQuorumLiftsNothing() async throws {
    let (server, shares) = try await Self.locked()
    let other = try await Self.locked().1
    let tries = [
      Array(shares.prefix(2)), [shares[0], shares[0], shares[1]], [], ["correct horse battery"],
      Array(other.prefix(3)), [shares[0], shares[1], other[2]],
      [shares[0], shares[1], String(shares[2].dropLast(4))],
    ]
    let start = try server.logSize()
    for lines in tries {
      await #expect(throws: ServiceError.self) { try await Self.lift(server, lines) }
    }
    let events = try server.events(from: start)
    #expect(events.count == tries.count)
    #expect(events.allSatisfy { $0.operation == "policy:apply" && $0.outcome == .refused })
    #expect(events.allSatisfy { $0.details == [.approvalRule(AuditWord("policy-by-ann"))] })
    await refused(.approvalRequired) { try await Self.change(server) }
    #expect(try await server.service.policyText(.officer, revision: nil).revision.revision == 1)
  }

  /// Only who may change the policy, and only a rule that is in the way of that.
  @Test
  func sharesAreNoRight() async throws {
    let (server, shares) = try await Self.locked()
    for caller in [Caller.named("eve"), .named("ann"), .stranger] {
      await refused(.forbidden) { try await Self.lift(server, shares.prefix(3), as: caller) }
    }
    for rule in ["imports-by-ann", "none", "", "writer", "no name\u{1f600}"] {
      await refused(.notFound) { try await Self.lift(server, shares.prefix(3), rule: rule) }
      // The name as far as it can be one, and whose shares they were.
      let event = try #require(try server.events().last)
      #expect(event.details.count == 3)
      #expect(event.details.first == .approvalRule(AuditWord(rule)))
    }
    #expect(try await server.service.policyText(.officer, revision: nil).revision.revision == 1)
    _ = try await server.service.seal(.officer)
    await refused(.sealed) { try await Self.lift(server, shares.prefix(3)) }
  }

  /// Of two rules in the way each takes a quorum of its own.
  @Test
  func oneRuleAtATime() async throws {
    let second = PolicyText.approvalRule("policy-by-bob", ["policy:apply"], ["**"], of: "bob")
    let (server, shares) = try await Self.locked(PolicyText.all(Self.lock, second))
    _ = try await Self.lift(server, shares.prefix(3))
    await refused(.approvalRequired) { try await Self.change(server) }
    await refused(.notFound) { try await Self.lift(server, shares.prefix(3)) }
    _ = try await Self.lift(server, shares.prefix(3), rule: "policy-by-bob")
    try await Self.change(server)
  }

  /// With an automatic seal the recovery shares are the quorum.
  @Test
  func recoveryShares() async throws {
    let server = try await TestServer(isFaulty: true)
    let shares = try await server.initialize(.keyFile, shares: 3, threshold: 2)
    try await server.apply(Self.lock)
    await refused(.wrongShare) { try await Self.lift(server, shares.prefix(1)) }
    // What the disk refuses leaves the rule where it is.
    try server.faults.failCommits(1)
    await refused(.storageFull) { try await Self.lift(server, shares.prefix(2)) }
    await refused(.approvalRequired) { try await Self.change(server) }
    #expect(try await Self.lift(server, shares.prefix(2)).revision == 2)
    try await Self.change(server)
  }

  // MARK: - A rule that covers more

  /// What the rule asks for besides stays asked for, patterns written out.
  @Test(arguments: [
    (["policy:apply", "key:destroy"], ["key:destroy"]),
    (["key:*", "policy:apply", "policy:escalate"], ["key:*"]),
    (["policy:*"], ["policy:explain", "policy:read"]),
  ])
  func theRestOfARuleStays(_ before: [String], _ after: [String]) async throws {
    let rule = PolicyText.approvalRule("mixed", before, ["policy", "keys/**"], of: "ann")
    let (server, shares) = try await Self.locked(rule)
    await refused(.approvalRequired) { try await Self.change(server) }
    _ = try await Self.lift(server, shares.prefix(3), rule: "mixed")
    try await Self.change(server)
    if after.contains(where: { $0.hasPrefix("key:") }) {
      await refused(.approvalRequired) {
        try await server.service.destroyKey(.officer, name: "a/b", version: nil, after: nil)
      }
    } else {
      await refused(.approvalRequired) {
        try await server.service.policyText(.officer, revision: nil)
      }
    }
    // The officer holds policy:escalate, and can take the rest away by an ordinary change.
    let set = try server.service.unsealed().policy.set
    guard case .approvalRule(let left)? = set.document(.approvalRule, "mixed")?.body else {
      Issue.record("The rule is gone.")
      return
    }
    #expect(left.operationPatterns.sorted() == after)
    #expect(left.resources.map(\.description) == ["policy", "keys/**"])
    try await server.apply(Self.others, prune: true)
    _ = try await server.service.policyText(.officer, revision: nil)
  }

  /// Who does not hold policy:escalate takes no approval of it away.
  @Test
  func theRestStaysWithWhoMayNotEscalate() async throws {
    let grant = PolicyText.grant("changer", to: ["eve"], .allow(["policy:apply"], ["policy"]))
    let (server, shares) = try await Self.locked(PolicyText.all(Self.lock, grant))
    _ = try await Self.lift(server, shares.prefix(3), as: .named("eve"))
    let set = try server.service.unsealed().policy.set
    guard case .approvalRule(let left)? = set.document(.approvalRule, "policy-by-ann")?.body else {
      Issue.record("The rule is gone.")
      return
    }
    #expect(left.operationPatterns == ["policy:escalate"])
    let pruned = PolicyText.grant("more", to: ["eve"], .allow(["key:list"], ["keys"]))
    await refused(.forbidden) {
      try await server.service.applyPolicy(
        .named("eve"),
        PolicyApplyRequest(files: [PolicyFile(name: "more.yaml", text: pruned)])
      )
    }
  }

  // MARK: - A passphrase, and the shares that it makes

  private static let phrase = "nine violet harbours under rain"

  /// A server under a passphrase, its recovery shares, and a policy that ann has to approve.
  private static func underPassphrase() async throws -> (TestServer, [String]) {
    let server = try await TestServer(usesKeyFile: false)
    let shares = try await server.initialize(
      .passphrase,
      shares: 3,
      threshold: 2,
      passphrase: phrase
    )
    try await server.unseal([phrase])
    try await server.apply(PolicyText.all(lock, PolicyText.approvers("ann")))
    return (server, shares)
  }

  private static func rekey(
    _ server: TestServer,
    as caller: Caller,
    _ seal: KeywardModel.SealKind = .shamir,
    proof: [String] = [phrase]
  ) async throws -> [String] {
    try await server.rekey(
      as: caller,
      seal,
      3,
      2,
      proof: proof,
      passphrase: "eleven amber kettles in snow"
    )
  }

  @Test
  func aPassphraseIsNoQuorum() async throws {
    let (server, _) = try await Self.underPassphrase()
    await refused(.wrongShare) { try await Self.lift(server, [Self.phrase]) }
  }

  /// Every kind of rekey makes shares, and with those whoever knows the passphrase could lift the rule.
  @Test(arguments: [KeywardModel.SealKind.shamir, .passphrase])
  func aPassphraseMakesNoSharesAlone(_ seal: KeywardModel.SealKind) async throws {
    let (server, _) = try await Self.underPassphrase()
    let asking = Caller.officer.asking("rekey")
    let start = try server.logSize()
    // A request that can carry no approval is refused as well.
    await refused(.approvalRequired) { try await Self.rekey(server, as: .officer, seal) }
    let error = await refused(.approvalRequired) {
      try await Self.rekey(server, as: asking, seal)
    }
    let id = try #require(error?.approval)
    let pending = try await server.service.showApproval(.named("ann"), id)
    #expect(pending.operation == "operator:rekey")
    #expect(pending.reached.map(\.operation) == ["policy:apply"])
    #expect(try server.service.sealStatus().rekeyPending == false)
    let before = try server.store.seals().count
    await refused(.approvalRequired) {
      try await Self.rekey(server, as: .officer.asking("rekey", id), seal)
    }
    #expect(try server.store.seals().count == before)
    _ = try await server.service.vote(.named("ann"), id, isApproval: true)
    let made = try await Self.rekey(server, as: .officer.asking("rekey", id), seal)
    #expect(try made.count == 3 && server.service.sealStatus().rekeyPending)
    let events = try server.events(from: start).filter { $0.principal.name == "uid:0" }
    #expect(
      events.map { "\($0.operation) \($0.outcome == .allowed)" }
        == Array(repeating: ["policy:apply false", "operator:rekey false"], count: 3).joined()
        + ["policy:apply true", "operator:rekey true"]
    )
  }

  /// Shares are a quorum already: a rekey with them asks for nothing more.
  @Test
  func sharesMakeSharesWithoutApproval() async throws {
    let (server, shares) = try await Self.underPassphrase()
    await refused(.wrongShare) {
      try await Self.rekey(server, as: .officer, proof: [shares[0], Self.phrase])
    }
    #expect(try await Self.rekey(server, as: .officer, proof: shares).count == 3)
  }

  @Test
  func withoutTheRightToThePolicyAPassphraseMakesNoShares() async throws {
    let (server, shares) = try await Self.underPassphrase()
    let operators = PolicyText.grant(
      "rekeyers",
      to: ["eve"],
      .allow(["operator:rekey"], ["system"])
    )
    _ = try await Self.lift(server, shares)
    try await server.apply(operators)
    await refused(.forbidden) { try await Self.rekey(server, as: .named("eve")) }
    #expect(try await Self.rekey(server, as: .named("eve"), proof: shares).count == 3)
  }

  /// Until a rekey is confirmed its shares may be known to nobody but who made them.
  @Test
  func sharesOfAnUnconfirmedRekeyLiftNothing() async throws {
    let (server, shares) = try await Self.locked()
    let first = try await Self.rekey(server, as: .officer, proof: shares)
    let second = try await Self.rekey(server, as: .officer, proof: shares)
    for made in [first, second] {
      let error = await refused(.conflict) { try await Self.lift(server, made) }
      #expect(error?.remedy?.contains("operator rekey --confirm") == true)
    }
    await refused(.approvalRequired) { try await Self.change(server) }
    try await server.confirmRekey(second)
    await refused(.wrongShare) { try await Self.lift(server, first) }
    await refused(.wrongShare) { try await Self.lift(server, shares) }
    #expect(try await Self.lift(server, second).revision == 2)
  }

  /// The shares of the seal before stay a quorum while a rekey waits.
  @Test
  func theConfirmedSharesLiftWhileARekeyWaits() async throws {
    let (server, shares) = try await Self.locked()
    _ = try await Self.rekey(server, as: .officer, proof: shares)
    try await server.restart()
    try await server.unseal(Array(shares.prefix(3)))
    #expect(try await Self.lift(server, shares).revision == 2)
  }
}
