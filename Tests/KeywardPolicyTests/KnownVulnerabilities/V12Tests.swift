import KeywardModel
import KeywardPolicy
import Testing

/// OpenBao GHSA-59w7-v8rr-pr4p, Vault CVE-2021-43998: an identity whose name has a wildcard or a slash
/// is written into a policy's path, and read there as a pattern.
@Suite
struct V12Tests {
  static let hostile = [
    "*", "**", "+", "/", "a/b", "../a", "..", ".", "", "a,b", "{cluster}", "{name}", "a*", "*/**",
    "a/**", "a\u{0}", "a b", "%2f", "\u{212a}", "keys", "a\\", "?", "[a-z]", "a\n",
  ]

  /// With any value, a template gives at most the one segment that is that value.
  @Test(arguments: hostile)
  func aTemplateGivesOneSegmentAtMost(_ value: String) throws {
    let pairs: [(String, Principal)] = [
      ("{cluster}", principal(cluster: value)), ("{environment}", principal(environment: value)),
      ("{name}", principal(name: value)), ("{claim:team}", principal(claims: ["team": value])),
      ("{issuer}", principal(issuer: value)),
    ]
    for (template, principal) in pairs {
      let policy = try Self.policy("keys/\(template)/x")
      var allowed: [String] = []
      for segment in ["a", "b", "keys", "x", "a+b", "K", "a.b", value] + Self.hostile {
        for path in [
          "keys/\(segment)/x", "keys/\(segment)", "\(segment)/x", "keys/a/b/x", "keys/x",
        ] {
          guard let resource = ResourcePath(path) else { continue }
          let request = PolicyRequest(
            principal: principal,
            operation: .keyDecrypt,
            resource: resource,
            time: Timestamp(milliseconds: 0)
          )
          if policy.decide(request).isAllowed { allowed.append(path) }
        }
      }
      let expected = ResourcePath.isSegment(value) ? ["keys/\(value)/x"] : []
      #expect(Set(allowed) == Set(expected), "\(template) = \(value)")
    }
  }

  /// Literals and conditions of a policy are no patterns, and a subject's stars never come from a value.
  @Test(arguments: ["*", "a/*", "**", "{name}"])
  func aNameWithStarsIsNoPattern(_ name: String) throws {
    let text = """
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: b}
      spec:
        role: key-user
        subjects: [{issuer: corp, name: alice}]
        conditions: [{attribute: "claim:team", in: [blue]}]
      """
    let policy = CompiledPolicy(try PolicySet.parse([("p.yaml", text)]), officerUIDs: [])
    for principal in [
      principal(name: name, claims: ["team": "blue"]), principal(claims: ["team": name]),
    ] {
      let request = PolicyRequest(
        principal: principal,
        operation: .keyEncrypt,
        resource: ResourcePath(.key(try KeyName("a"))),
        time: Timestamp(milliseconds: 0)
      )
      #expect(!policy.decide(request).isAllowed)
    }
  }

  private func principal(
    issuer: String = "corp",
    name: String = "alice",
    cluster: String? = nil,
    environment: String? = nil,
    claims: [String: String] = [:]
  ) -> Principal {
    Principal(
      kind: .jwt,
      issuer: issuer,
      name: name,
      cluster: cluster,
      environment: environment,
      claims: claims
    )
  }

  private static func policy(_ pattern: String) throws -> CompiledPolicy {
    let rule = PolicyRule(
      effect: .allow,
      operations: ["key:decrypt"],
      resources: [try ResourcePattern(pattern)]
    )
    let subject = PolicySubject(issuer: .present)
    return CompiledPolicy(
      try PolicySet([
        PolicyDocument(name: "r", body: .role(PolicyRole(rules: [rule]))),
        PolicyDocument(name: "b", body: .binding(PolicyBinding(role: "r", subjects: [subject]))),
      ]),
      officerUIDs: []
    )
  }
}
