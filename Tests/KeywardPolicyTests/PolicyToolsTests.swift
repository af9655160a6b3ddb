import KeywardModel
import KeywardPolicy
import Testing

/// Tighten, simulate, test and lint.
@Suite
struct PolicyToolsTests {
  static let text = """
    apiVersion: keyward.dev/v1
    kind: Role
    metadata: {name: user}
    spec:
      rules:
        - effect: allow
          operations: ["key:*"]
          resources: ["keys/**"]
        - effect: allow
          operations: [audit:read]
          resources: [audit]
        - effect: forbid
          operations: [key:destroy]
          resources: ["keys/root/**"]
    ---
    apiVersion: keyward.dev/v1
    kind: Binding
    metadata: {name: users}
    spec:
      role: user
      subjects: [{issuer: corp, name: alice}, {issuer: corp, name: bob}]
    ---
    apiVersion: keyward.dev/v1
    kind: Binding
    metadata: {name: watchers}
    spec: {role: auditor, subjects: [{issuer: corp, name: carol}]}
    """

  static func compiled(_ text: String) throws -> CompiledPolicy {
    CompiledPolicy(try PolicySet.parse([("p.yaml", text)]), officerUIDs: [0])
  }

  static func request(
    _ name: String,
    _ operation: ServiceOperation,
    _ path: String
  ) -> PolicyRequest {
    PolicyRequest(
      principal: Principal(kind: .jwt, issuer: "corp", name: name),
      operation: operation,
      resource: ResourcePath(path) ?? ResourcePath(.system),
      time: Timestamp(milliseconds: 0)
    )
  }

  @Test
  func tightenKeepsWhatWasUsedAndNoMore() throws {
    let policy = try Self.compiled(Self.text)
    let used = [
      Self.request("alice", .keyEncrypt, "keys/a"), Self.request("alice", .keyDecrypt, "keys/a"),
      Self.request("carol", .auditRead, "audit"), Self.request("mallory", .keyEncrypt, "keys/a"),
    ]
    let tightened = try PolicyTightening(policy, used: used)
    #expect(tightened.notAllowed == [used[3]])
    let words = tightened.unused.map(\.description)
    #expect(words.contains("Role user#1: rule"))
    #expect(words.contains("Binding users#1: subject"))
    #expect(words.contains { $0.hasPrefix("Role user#0: operations ") })
    #expect(words.contains("Role user#0: resource keys/** beyond 1 used"))
    let smaller = CompiledPolicy(tightened.proposal, officerUIDs: [0])
    #expect(smaller.decide(used[0]).isAllowed && smaller.decide(used[2]).isAllowed)
    #expect(!smaller.decide(Self.request("alice", .keyEncrypt, "keys/b")).isAllowed)
    #expect(!smaller.decide(Self.request("alice", .keySign, "keys/a")).isAllowed)
    #expect(!smaller.decide(Self.request("carol", .policyRead, "policy")).isAllowed)
    // A built-in role is narrowed by a role of one's own.
    #expect(tightened.proposal.document(.role, "auditor-used") != nil)
    // The proposal is a policy in every respect.
    let again = try PolicySet.parse([("p.yaml", tightened.proposal.canonicalText)])
    #expect(again == tightened.proposal)
  }

  /// For random policies: the initializer proves both halves, and here they are looked at again.
  @Test
  func tightenIsProvedForRandomPolicies() throws {
    var random = RandomPolicy(seed: 11)
    var smaller = 0
    for _ in 0..<(PolicyAnalysisTests.isLong ? 3000 : 60) {
      let policy = CompiledPolicy(try PolicySet(random.document()), officerUIDs: [7])
      let used = (0..<20).map { _ in random.request() }
      let tightened = try PolicyTightening(policy, used: used)
      let proposal = CompiledPolicy(tightened.proposal, officerUIDs: [7])
      for request in used {
        #expect(proposal.decide(request).isAllowed == policy.decide(request).isAllowed)
      }
      for _ in 0..<50 {
        let request = random.request()
        if proposal.decide(request).isAllowed { #expect(policy.decide(request).isAllowed) }
      }
      smaller += try PolicyDifference(from: policy, to: proposal).lost.isEmpty ? 0 : 1
    }
    #expect(smaller > 10)
  }

  @Test
  func simulateListsWhatChanges() throws {
    let policy = try Self.compiled(Self.text)
    let entries = [
      PolicySimulation.Entry(
        request: Self.request("alice", .keyEncrypt, "keys/a"),
        wasAllowed: true,
        rule: "users/user#0"
      ),
      PolicySimulation.Entry(
        request: Self.request("alice", .keyDestroy, "keys/root/a"),
        wasAllowed: true
      ),
      PolicySimulation.Entry(request: Self.request("bob", .auditRead, "audit"), wasAllowed: false),
    ]
    let simulation = PolicySimulation(entries, under: policy)
    #expect(simulation.count == 3)
    #expect(simulation.changes.map(\.index) == [1, 2])
    #expect(simulation.changes.map(\.decision.rule) == ["users/user#2", "users/user#1"])
  }

  static let tests = """
    apiVersion: keyward.dev/v1
    kind: PolicyTest
    metadata: {name: users}
    spec:
      cases:
        - principal: {kind: jwt, issuer: corp, name: alice}
          operation: key:encrypt
          resource: keys/a
          expect: allow
        - principal: {kind: jwt, issuer: corp, name: alice, claims: {ref: main}}
          operation: key:destroy
          resource: keys/root/a
          time: 2026-01-01T00:00:00Z
          source: 10.0.0.1
          expect: deny
        - principal: {kind: unix-peer, name: "uid:0"}
          operation: key:destroy
          resource: keys/root/a
          expect: approval
    """

  @Test
  func testsTellOutcomesAndCoverage() throws {
    let policy = try Self.compiled(Self.text)
    let report = PolicyTestReport(try PolicyTest.parse([("t.yaml", Self.tests)]), under: policy)
    #expect(report.outcomes.map(\.isAsExpected) == [true, true, false])
    #expect(report.failures.first?.expected.place?.description == "t.yaml:16:7")
    #expect(report.covered == ["users/user#0", "users/user#2"])
    #expect(report.uncovered == ["users/user#1", "watchers/auditor#0"])
  }

  @Test(
    arguments: [
      ("expect: allow", "expect: yes", "t.yaml:9:15"), ("key:encrypt", "key:crypt", "t.yaml:7:18"),
      ("resource: keys/a\n", "resource: /a\n", "t.yaml:8:17"),
      ("kind: jwt, issuer: corp, name: alice}", "kind: jwt, sub: alice}", "t.yaml:6:30"),
      ("source: 10.0.0.1", "source: 10.0.0.0/8", "t.yaml:14:15"),
      ("name: \"uid:0\"", "name: root", "t.yaml:16:42"), ("PolicyTest", "Role", "t.yaml:2:7"),
    ]
  )
  func aWrongTestIsNamed(_ line: String, _ with: String, _ place: String) throws {
    let text = Self.tests.replacing(line, with: with, maxReplacements: 1)
    let error = #expect(throws: PolicyError.self) { try PolicyTest.parse([("t.yaml", text)]) }
    #expect(error?.description.hasPrefix(place) == true, "\(error?.description ?? "")")
  }

  @Test
  func lintFindsWhatItNames() throws {
    let text = """
      apiVersion: keyward.dev/v1
      kind: Role
      metadata: {name: wide}
      spec:
        rules:
          - {effect: allow, operations: ["*"], resources: ["**"]}
          - {effect: allow, operations: [key:sign], resources: ["keys/a"]}
          - effect: forbid
            operations: [key:destroy]
            resources: ["keys/b"]
            conditions: [{attribute: environment, not_in: [test]}]
          - {effect: forbid, operations: [key:sign], resources: ["keys/c"], expires: 2020-01-01T00:00:00Z}
      ---
      apiVersion: keyward.dev/v1
      kind: Role
      metadata: {name: nobody}
      spec: {rules: [{effect: allow, operations: [key:sign], resources: ["keys/a"]}]}
      ---
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: all}
      spec: {role: wide, subjects: [{issuer: "*"}, {issuer: corp}]}
      ---
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: never}
      spec: {role: key-user, subjects: [{issuer: unix, name: "uid:5", kind: jwt}]}
      ---
      apiVersion: keyward.dev/v1
      kind: ApprovalRule
      metadata: {name: two-of-one}
      spec:
        operations: [key:destroy]
        resources: ["keys/**"]
        require: {n: 2, of: [{issuer: corp, name: alice}]}
      ---
      apiVersion: keyward.dev/v1
      kind: ApprovalRule
      metadata: {name: two-of-two}
      spec:
        operations: [key:destroy]
        resources: ["keys/**"]
        require: {n: 2, of: [{issuer: corp, name: alice}, {issuer: corp, name: bob}]}
      """
    let time = try #require(Timestamp(rfc3339: "2026-01-01T00:00:00Z"))
    let lint = PolicyLint(try Self.compiled(text), time: time)
    #expect(!lint.isPartial)
    let found = Set(
      lint.findings.map { "\($0.rule.rawValue) \($0.document.name) \($0.index ?? -1)" }
    )
    for expected in [
      "wildcard wide 0", "not-in-forbid wide 2", "expired wide 3", "unused-role nobody -1",
      "broad-subject all 0", "broad-subject all 1", "shadowed all -1", "never-matches never -1",
      "unreachable-quorum two-of-one -1",
    ] { #expect(found.contains(expected), "\(expected) of \(found)") }
    #expect(!found.contains("unreachable-quorum two-of-two -1"))
    let shadowed = lint.findings.filter { $0.rule == .shadowed }.map(\.message)
    #expect(shadowed == ["all/wide#1 changes nothing beside the other rules"])
    #expect(lint.findings.filter { $0.severity == .error }.count == 1)
  }

  /// A rule is called shadowed exactly if no decision of a complete universe changes without it.
  @Test(arguments: PolicyAnalysisTests.numbers)
  func shadowedRulesAreThoseThatChangeNothing(_ piece: Int) throws {
    let features = PolicyAnalysisTests.pieces[piece]
    var random = RandomPolicy(seed: 21 + UInt64(features.rawValue), features: features)
    var counts = (rules: 0, shadowed: 0)
    var policies = 0
    while policies < (PolicyAnalysisTests.isLong ? 300 : 2) {
      let set = try PolicySet(random.document())
      let universe = Universe([set], officers: [])
      if !PolicyAnalysisTests.isLong, universe.count > 4000 { continue }
      policies += 1
      let policy = CompiledPolicy(set, officerUIDs: [])
      let lint = PolicyLint(policy, time: Timestamp(milliseconds: 0))
      #expect(!lint.isPartial)
      let named = lint.findings.filter { $0.rule == .shadowed || $0.rule == .neverMatches }
      let without = try set.documents.flatMap { document -> [(String, CompiledPolicy)] in
        guard case .binding(let binding) = document.body else { return [] }
        return try set.rules(ofRole: binding.role).indices.map { index in
          let cut = try Self.without(document, index, set)
          return (
            "\(document.name)/\(binding.role)#\(index)", CompiledPolicy(cut, officerUIDs: [])
          )
        }
      }
      var changing: Set<String> = []
      universe.walk { request in
        let isAllowed = policy.isAllowed(request)
        for (reference, cut) in without
        where !changing.contains(reference) && cut.isAllowed(request) != isAllowed {
          changing.insert(reference)
        }
      }
      for (reference, _) in without {
        let isNamed = named.contains { $0.message.contains(reference) }
        #expect(isNamed == !changing.contains(reference), "\(reference)\n\(set.canonicalText)")
        counts.rules += 1
        counts.shadowed += isNamed ? 1 : 0
      }
    }
    PolicyAnalysisTests.tell("piece \(piece): \(counts)")
    #expect(counts.shadowed < counts.rules, "\(counts)")
    #expect(counts.shadowed > 0 || !PolicyAnalysisTests.isLong, "\(counts)")
  }

  /// The set with one rule of one binding taken away.
  private static func without(
    _ document: PolicyDocument,
    _ index: Int,
    _ set: PolicySet
  ) throws -> PolicySet {
    guard case .binding(let binding) = document.body else { return set }
    var rules = set.rules(ofRole: binding.role)
    rules.remove(at: index)
    let cut = [
      PolicyDocument(name: "cut", body: .role(PolicyRole(rules: rules))),
      PolicyDocument(
        name: document.name,
        body: .binding(
          PolicyBinding(
            role: "cut",
            subjects: binding.subjects,
            conditions: binding.conditions,
            expires: binding.expires
          )
        )
      ),
    ]
    // Not `applying`: a role may be left without rules, which no file can have.
    let changed = Set(cut.map(\.identity))
    return try PolicySet(cut + set.documents.filter { !changed.contains($0.identity) })
  }
}
