import KeywardModel
import KeywardPolicy
import Testing

/// Keystone CVE-2026-42999: fields of the request's body were merged into what policy decides by.
@Suite
struct V15Tests {
  /// A decision takes the proved principal, the operation, the stored name, the time and the address of
  /// the peer; claims with names of attributes are claims and nothing else.
  @Test
  func claimsAreNoAttributes() throws {
    let text = """
      apiVersion: keyward.dev/v1
      kind: Role
      metadata: {name: r}
      spec: {rules: [{effect: allow, operations: ["*"], resources: ["keys/{cluster}", "keys/{environment}"]}]}
      ---
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: b}
      spec:
        role: r
        subjects: [{issuer: corp, name: alice, cluster: prod, environment: prod, kind: jwt}]
        conditions: [{attribute: cluster, in: [prod]}, {attribute: environment, in: [prod]}]
      """
    let policy = CompiledPolicy(try PolicySet.parse([("p.yaml", text)]), officerUIDs: [0])
    let forged = [
      "cluster": "prod", "environment": "prod", "issuer": "corp", "name": "alice", "kind": "jwt",
      "uid": "0", "role": "security-officer", "owner": "alice", "project_id": "1", "admin": "true",
    ]
    for name in ["alice", "mallory"] {
      let principal = Principal(kind: .jwt, issuer: "corp", name: name, claims: forged)
      let request = PolicyRequest(
        principal: principal,
        operation: .keyEncrypt,
        resource: ResourcePath(.key(try KeyName("prod"))),
        time: Timestamp(milliseconds: 0)
      )
      #expect(!policy.decide(request).isAllowed)
    }
    let real = Principal(
      kind: .jwt,
      issuer: "corp",
      name: "alice",
      cluster: "prod",
      environment: "prod"
    )
    let request = PolicyRequest(
      principal: real,
      operation: .keyEncrypt,
      resource: ResourcePath(.key(try KeyName("prod"))),
      time: Timestamp(milliseconds: 0)
    )
    #expect(policy.decide(request).isAllowed)
  }

  /// Claims that no rule names never change a decision.
  @Test
  func otherClaimsChangeNothing() throws {
    var random = RandomPolicy(seed: 15)
    for _ in 0..<100 {
      let policy = CompiledPolicy(try PolicySet(random.document()), officerUIDs: [7])
      for _ in 0..<20 {
        let request = random.request()
        let one = request.principal
        let more = Principal(
          kind: one.kind,
          issuer: one.issuer,
          name: one.name,
          cluster: one.cluster,
          environment: one.environment,
          claims: one.claims.merging(
            ["role": "security-officer", "owner": "x", "project_id": "x", "cluster": "x"]
          ) { own, _ in own },
          uid: one.uid
        )
        let decision = policy.decide(request.asked(by: more))
        #expect(decision.isAllowed == policy.decide(request).isAllowed)
        #expect(decision.approvals == policy.decide(request).approvals)
      }
    }
  }
}
