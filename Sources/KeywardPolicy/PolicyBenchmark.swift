import KeywardModel

/// A policy of a given size and requests to it, for `keyward bench policy`.
///
/// Half of the rules are in roles of ten that as many bindings give to clusters and pipelines by
/// name; the other half in one role that everybody of an issuer has. So neither the number of bindings
/// nor the size of a role can be what a decision's time hides behind.
package struct PolicyBenchmark: Sendable {
  package let policy: CompiledPolicy
  package let requests: [PolicyRequest]

  /// Makes a policy of `rules` rules, at least 10; throws if the language refuses its own.
  package init(rules: Int) throws(PolicyError) {
    var documents: [PolicyDocument] = []
    var requests: [PolicyRequest] = []
    let roles = max(1, rules / 20)
    for role in 0..<roles {
      let own = (0..<10).map { rule in
        Self.rule(rule == 0 ? "keys/team-\(role)/{cluster}" : "keys/team-\(role)/app-\(rule)/**")
      }
      documents.append(PolicyDocument(name: "role-\(role)", body: .role(PolicyRole(rules: own))))
      let subject = PolicySubject(
        issuer: .literal(role.isMultiple(of: 2) ? "node-ca" : "ci"),
        name: NamePattern("team-\(role)/*"),
        cluster: role.isMultiple(of: 2) ? .present : nil
      )
      let binding = PolicyBinding(role: "role-\(role)", subjects: [subject])
      documents.append(PolicyDocument(name: "binding-\(role)", body: .binding(binding)))
      let principal = Principal(
        kind: role.isMultiple(of: 2) ? .certificate : .jwt,
        issuer: role.isMultiple(of: 2) ? "node-ca" : "ci",
        name: "team-\(role)/plugin",
        cluster: "prod-eu"
      )
      for path in [
        "keys/team-\(role)/prod-eu", "keys/team-\(role)/app-7/v1/x", "keys/shared/\(role)",
      ] {
        guard let resource = ResourcePath(path) else { continue }
        requests.append(
          PolicyRequest(
            principal: principal,
            operation: .keyEncrypt,
            resource: resource,
            time: Timestamp(milliseconds: 1_800_000_000_000)
          )
        )
      }
    }
    let shared = (0..<max(1, rules - roles * 10)).map { Self.rule("keys/shared/\($0)") }
    documents.append(PolicyDocument(name: "shared", body: .role(PolicyRole(rules: shared))))
    let everybody = ["node-ca", "ci"].map {
      PolicySubject(issuer: .literal($0), name: NamePattern("**"))
    }
    documents.append(
      PolicyDocument(
        name: "shared",
        body: .binding(PolicyBinding(role: "shared", subjects: everybody))
      )
    )
    policy = CompiledPolicy(try PolicySet(documents), officerUIDs: [0])
    self.requests = requests
  }

  /// How many of the requests are allowed; all of them, or something is wrong.
  package var allowed: Int { requests.count { policy.decide($0).isAllowed } }

  /// Decides `count` requests from the one at `start` on, and says how many were allowed.
  package func decide(from start: Int, count: Int) -> Int {
    var allowed = 0
    for index in start..<start + count
    where policy.decide(requests[index % requests.count]).isAllowed {
      allowed += 1
    }
    return allowed
  }

  private static func rule(_ pattern: String) -> PolicyRule {
    PolicyRule(
      effect: .allow,
      operations: ["key:encrypt", "key:decrypt"],
      resources: (try? ResourcePattern(pattern)).map { [$0] } ?? []
    )
  }
}
