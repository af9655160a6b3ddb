import KeywardModel
import KeywardPolicy
import Testing

/// What rules, subjects, templates, conditions and approvals mean, case by case.
@Suite
struct CompiledPolicyTests {
  static let plugin = Principal(
    kind: .certificate,
    issuer: "node-ca",
    name: "kms-plugin",
    cluster: "prod-eu"
  )

  static let base = """
    apiVersion: keyward.dev/v1
    kind: Role
    metadata: {name: etcd-encrypter}
    spec:
      rules:
        - effect: allow
          operations: [key:encrypt, key:decrypt]
          resources: ["keys/etcd/{cluster}"]
    ---
    apiVersion: keyward.dev/v1
    kind: Binding
    metadata: {name: kube-apiservers}
    spec:
      role: etcd-encrypter
      subjects: [{issuer: node-ca, cluster: "*", name: kms-plugin}]
    """

  @Test
  func aTemplateIsThePrincipalsValue() throws {
    let policy = try compiled(Self.base)
    let allowed = policy.decide(request(Self.plugin, .keyEncrypt, "keys/etcd/prod-eu"))
    #expect(allowed == .allow("kube-apiservers/etcd-encrypter#0"))
    for other in [
      "keys/etcd/prod-us", "keys/etcd", "keys/etcd/prod-eu/x", "keys/prod-eu", "etcd/prod-eu",
    ] {
      #expect(!policy.decide(request(Self.plugin, .keyEncrypt, other)).isAllowed, "\(other)")
    }
    #expect(!policy.decide(request(Self.plugin, .keyDestroy, "keys/etcd/prod-eu")).isAllowed)
  }

  @Test
  func aRefusalNamesTheNearestRule() throws {
    let policy = try compiled(Self.base)
    #expect(
      policy.decide(request(Self.plugin, .keyEncrypt, "keys/etcd/prod-us")).rule
        == "default-deny; nearest kube-apiservers/etcd-encrypter#0: resource"
    )
    let stranger = Principal(kind: .jwt, issuer: "github", name: "x")
    #expect(policy.decide(request(stranger, .keyEncrypt, "keys/etcd/prod-us")) == .defaultDeny)
  }

  @Test
  func forbidWins() throws {
    let policy = try compiled(
      Self.base + """

        ---
        apiVersion: keyward.dev/v1
        kind: Role
        metadata: {name: frozen}
        spec: {rules: [{effect: forbid, operations: ["*"], resources: ["keys/etcd/**"]}]}
        ---
        apiVersion: keyward.dev/v1
        kind: Binding
        metadata: {name: freeze}
        spec: {role: frozen, subjects: [{issuer: "*"}]}
        """
    )
    let plugin = policy.decide(request(Self.plugin, .keyEncrypt, "keys/etcd/prod-eu"))
    #expect(plugin == Decision(isAllowed: false, rule: "freeze/frozen#0"))
    // Built-in bindings give way to a forbid too, but for the server's own.
    let officer = Principal(kind: .unixPeer, name: "uid:0", uid: 0)
    #expect(policy.decide(request(officer, .keyDestroy, "keys/etcd/a")).rule == "freeze/frozen#0")
    #expect(policy.decide(request(officer, .keyDestroy, "keys/a")).rule == "security-officer")
    let socket = Principal(kind: .kmsSocket, name: "etcd/a")
    #expect(policy.decide(request(socket, .keyEncrypt, "keys/etcd/a")).rule == "freeze/frozen#0")
    #expect(policy.decide(request(.server, .keyDestroy, "keys/etcd/a")).rule == "server")
  }

  @Test
  func whoProvedAnIdentitySeesItAndNobodyElseDoes() throws {
    let policy = try compiled(Self.base)
    for operation in [ServiceOperation.selfRead, .selfRenew, .selfRevoke] {
      #expect(policy.decide(request(Self.plugin, operation, "self")) == .allow("self"))
      #expect(policy.decide(request(.anonymous, operation, "self")) == .defaultDeny)
    }
  }

  /// A KMS socket with a configured principal has what its bindings give, and no key of its own name.
  @Test
  func aConfiguredKMSSocketHasNoRightByItsName() throws {
    let policy = try compiled(Self.base)
    let socket = Principal(
      kind: .kmsSocket,
      issuer: "node-ca",
      name: "kms-plugin",
      cluster: "prod-eu"
    )
    #expect(policy.decide(request(socket, .keyEncrypt, "keys/etcd/prod-eu")).isAllowed)
    #expect(!policy.decide(request(socket, .keyEncrypt, "keys/kms-plugin")).isAllowed)
  }

  @Test
  func expiryCountsFromItsMoment() throws {
    let expiring = Self.base.replacing("  role:", with: "  expires: 1970-01-02T00:00:00Z\n  role:")
    let policy = try compiled(expiring)
    let day = Int64(86_400_000)
    let path = "keys/etcd/prod-eu"
    #expect(policy.decide(request(Self.plugin, .keyEncrypt, path, at: day - 1)).isAllowed)
    let late = policy.decide(request(Self.plugin, .keyEncrypt, path, at: day))
    #expect(
      late.rule
        == "default-deny; nearest kube-apiservers/etcd-encrypter#0: "
        + "binding expired 1970-01-02T00:00:00.000Z"
    )
  }

  @Test(
    arguments: [
      ("{attribute: environment, in: [test]}", false),
      ("{attribute: environment, not_in: [test]}", false),
      ("{attribute: cluster, in: [prod-us, prod-eu]}", true),
      ("{attribute: cluster, not_in: [prod-eu]}", false),
      ("{attribute: cluster, not_in: [prod-us]}", true),
      ("{attribute: \"claim:ref\", not_in: [x]}", false),
      ("{attribute: kind, in: [certificate]}", true),
      ("{attribute: issuer, in: [github]}", false),
      ("{attribute: name, in: [kms-plugin]}", true),
      ("{source_network: [10.0.0.0/8]}", true),
      ("{source_network: [192.0.2.0/24, \"10.1.2.3\"]}", true),
      ("{source_network: [\"::/0\"]}", false),
      ("{time: {not_before: 1970-01-01T00:00:00Z}}", true),
      ("{time: {not_before: 1970-01-01T00:00:00.001Z}}", false),
      ("{time: {not_after: 1970-01-01T00:00:00Z}}", false),
      ("{time: {days: [thu], from: \"00:00\", to: \"24:00\"}}", true),
      ("{time: {days: [thu], from: \"00:01\", to: \"24:00\"}}", false),
      ("{time: {days: [wed, fri], from: \"00:00\", to: \"24:00\"}}", false),
    ]
  )
  func aConditionHoldsOrNot(_ condition: String, _ holds: Bool) throws {
    for place in ["  role:", "    - effect:"] {
      let indent = place == "  role:" ? "  " : "      "
      let line = "\(indent)conditions: [\(condition)]\n"
      let text =
        place == "  role:"
        ? Self.base.replacing("  role:", with: line + "  role:")
        : Self.base.replacing("    - effect: allow\n", with: "    - effect: allow\n" + line)
      let policy = try compiled(text)
      let with = request(
        Self.plugin,
        .keyEncrypt,
        "keys/etcd/prod-eu",
        from: NetworkAddress("10.1.2.3")
      )
      #expect(policy.decide(with).isAllowed == holds, "\(place) \(condition)")
    }
  }

  @Test
  func withoutAnAddressNoNetworkMatches() throws {
    let text = Self.base + "\n  conditions: [{source_network: [0.0.0.0/0, \"::/0\"]}]"
    let policy = try compiled(text)
    #expect(!policy.decide(request(Self.plugin, .keyEncrypt, "keys/etcd/prod-eu")).isAllowed)
  }

  @Test(
    arguments: [
      ("{issuer: node-ca}", true), ("{issuer: node-ca, kind: certificate}", true),
      ("{issuer: \"*\"}", true), ("{issuer: node-ca, kind: jwt}", false), ("{issuer: ca}", false),
      ("{issuer: node-ca, cluster: prod-us}", false), ("{issuer: node-ca, cluster: prod-eu}", true),
      ("{issuer: node-ca, environment: \"*\"}", false), ("{issuer: node-ca, name: \"*\"}", true),
      ("{issuer: node-ca, name: \"**\"}", true), ("{issuer: node-ca, name: \"*/**\"}", false),
      ("{issuer: node-ca, name: kms}", false),
    ]
  )
  func aSubjectMatchesOrNot(_ subject: String, _ matches: Bool) throws {
    let text = Self.base.replacing(
      "{issuer: node-ca, cluster: \"*\", name: kms-plugin}",
      with: subject
    )
    let policy = try compiled(text)
    let decision = policy.decide(request(Self.plugin, .keyEncrypt, "keys/etcd/prod-eu"))
    #expect(decision.isAllowed == matches)
  }

  @Test(
    arguments: [
      ("spiffe://td/ns/*/sa/x", "spiffe://td/ns/a/sa/x", true),
      ("spiffe://td/ns/*/sa/x", "spiffe://td/ns/a/b/sa/x", false),
      ("spiffe://td/**", "spiffe://td/a", true), ("spiffe://td/**", "spiffe://td", false),
      ("spiffe://td/**", "spiffe://td/", true), ("spiffe://td/*", "spiffe://td/", false),
      ("spiffe://td/*", "spiffe://td/a", true), ("*", "", false), ("**", "", true),
    ]
  )
  func aNamePatternMatchesOrNot(_ pattern: String, _ name: String, _ matches: Bool) throws {
    let parsed = try #require(NamePattern(pattern))
    #expect(parsed.matches(name) == matches)
    let text = Self.base.replacing("name: kms-plugin", with: "name: \"\(pattern)\"")
    let principal = Principal(kind: .jwt, issuer: "node-ca", name: name, cluster: "prod-eu")
    let decision = try compiled(text).decide(request(principal, .keyEncrypt, "keys/etcd/prod-eu"))
    #expect(decision.isAllowed == matches)
  }

  // MARK: - Approvals

  static let approvals = """

    ---
    apiVersion: keyward.dev/v1
    kind: ApprovalRule
    metadata: {name: two-officers}
    spec:
      operations: [key:encrypt]
      resources: ["keys/etcd/**"]
      require: {n: 2, of: [{issuer: corp}]}
      valid_for: 1h
    ---
    apiVersion: keyward.dev/v1
    kind: ApprovalRule
    metadata: {name: one-auditor}
    spec:
      operations: ["key:*"]
      resources: ["keys/**"]
      require: {n: 1, of: [{issuer: audit}]}
    """

  /// Several rules ask for the union of what each asks, never for the first alone.
  @Test
  func approvalsAreTheUnion() throws {
    let policy = try compiled(Self.base + Self.approvals)
    let both = policy.decide(request(Self.plugin, .keyEncrypt, "keys/etcd/prod-eu"))
    #expect(both.isAllowed)
    #expect(both.approvals.map(\.rule) == ["one-auditor", "two-officers"])
    #expect(both.approvals.map(\.validFor) == [86_400, 3600])
    let one = policy.decide(request(Self.plugin, .keyDecrypt, "keys/etcd/prod-eu"))
    #expect(one.approvals.map(\.rule) == ["one-auditor"])
    // Nothing is asked for what is refused.
    #expect(policy.decide(request(Self.plugin, .keyEncrypt, "keys/etcd/prod-us")).approvals == [])
  }

  @Test
  func anAuthorizationCarriesItsApprovals() throws {
    let policy = try compiled(Self.base + Self.approvals)
    let asked = request(Self.plugin, .keyEncrypt, "keys/etcd/prod-eu")
    let authorization = try policy.authorize(asked)
    #expect(authorization.approvals.count == 2)
    #expect(authorization.resource.description == "keys/etcd/prod-eu")
  }

  // MARK: - Parts

  private func compiled(_ text: String) throws -> CompiledPolicy {
    CompiledPolicy(try PolicySet.parse([("policy.yaml", text)]), officerUIDs: [0])
  }

  private func request(
    _ principal: Principal,
    _ operation: ServiceOperation,
    _ path: String,
    at milliseconds: Int64 = 0,
    from source: NetworkAddress? = nil
  ) -> PolicyRequest {
    PolicyRequest(
      principal: principal,
      operation: operation,
      resource: ResourcePath(path) ?? ResourcePath(.system),
      time: Timestamp(milliseconds: milliseconds),
      source: source
    )
  }
}
