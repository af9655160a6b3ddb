import KeywardModel
import KeywardPolicy
import Testing

/// OpenBao GHSA-xp3c-3jw3-4vcr: a deny was not applied to one operation (list), because a wildcard was
/// more specific there.
@Suite
struct V11Tests {
  /// For every operation there is, a forbid takes away exactly what it names, whatever pattern allows.
  @Test(arguments: ServiceOperation.allCases)
  func aForbidCountsForEveryOperation(_ operation: ServiceOperation) throws {
    let paths = ["keys", "keys/a", "keys/a/b", "audit", "self", "policy", "auth/issuers/x"]
    for allow in ["**", "keys/**", "keys/*", "keys/a", "{cluster}/a", "audit", "self"] {
      for forbid in ["**", "*", "keys/**", "keys/*", "*/a", "keys/a", "{cluster}/**"] {
        let policy = try Self.policy(allow, forbid, operation)
        let pattern = try ResourcePattern(forbid)
        for path in paths {
          let request = PolicyRequest(
            principal: Self.principal,
            operation: operation,
            resource: try #require(ResourcePath(path)),
            time: Timestamp(milliseconds: 0)
          )
          if pattern.matches(request.resource, for: Self.principal) {
            #expect(!policy.decide(request).isAllowed, "\(allow) \(forbid) \(path)")
          }
        }
      }
    }
  }

  /// Adding a forbid rule to any policy never lets anybody do more.
  @Test
  func addingAForbidNeverAllows() throws {
    var random = RandomPolicy(seed: 11)
    for _ in 0..<(PolicyAnalysisTests.isLong ? 2000 : 40) {
      let documents = random.document()
      let rule = random.rule()
      let forbid = PolicyRule(
        effect: .forbid,
        operations: rule.operationPatterns,
        resources: rule.resources,
        conditions: rule.conditions,
        expires: rule.expires
      )
      let more = [
        PolicyDocument(name: "added", body: .role(PolicyRole(rules: [forbid]))),
        PolicyDocument(
          name: "added",
          body: .binding(PolicyBinding(role: "added", subjects: [random.subject()]))
        ),
      ]
      let before = CompiledPolicy(try PolicySet(documents), officerUIDs: [7])
      let after = CompiledPolicy(try PolicySet(documents + more), officerUIDs: [7])
      #expect(try PolicyDifference.access(of: after, notIn: before) == nil)
    }
  }

  private static let principal = Principal(
    kind: .jwt,
    issuer: "corp",
    name: "alice",
    cluster: "keys"
  )

  private static func policy(
    _ allow: String,
    _ forbid: String,
    _ operation: ServiceOperation
  ) throws -> CompiledPolicy {
    func rule(_ effect: PolicyRule.Effect, _ pattern: String) throws -> PolicyRule {
      PolicyRule(
        effect: effect,
        operations: [operation.rawValue],
        resources: [try ResourcePattern(pattern)]
      )
    }
    let rules = [try rule(.allow, allow), try rule(.forbid, forbid)]
    let subject = PolicySubject(issuer: .literal("corp"))
    return CompiledPolicy(
      try PolicySet([
        PolicyDocument(name: "r", body: .role(PolicyRole(rules: rules))),
        PolicyDocument(name: "b", body: .binding(PolicyBinding(role: "r", subjects: [subject]))),
      ]),
      officerUIDs: []
    )
  }
}
