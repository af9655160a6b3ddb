import KeywardAudit
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Who gets which value, what a refusal says, and what the log has of it.
@Suite
struct SecretAccessTests {
  /// A pipeline of one environment, as its claims say.
  private static func job(_ environment: String?, cluster: String? = nil) -> Caller {
    Caller(
      principal: Principal(
        kind: .jwt,
        issuer: "gitlab",
        name: "project_path:payments/deploy:ref_type:branch:ref:main",
        cluster: cluster,
        environment: environment,
        claims: ["project_path": "payments/deploy", "ref": "main", "job_id": "4711"]
      ),
      transport: .https,
      requestID: "00000000000000ee"
    )
  }

  private static let policy = """
    apiVersion: keyward.dev/v1
    kind: Role
    metadata: {name: deployers}
    spec:
      rules:
        - effect: allow
          operations: ["secret:read", "secret:show", "secret:list"]
          resources: ["secrets/{environment}/payments/*", "secrets"]
    ---
    apiVersion: keyward.dev/v1
    kind: Binding
    metadata: {name: pipelines}
    spec:
      role: deployers
      subjects: [{issuer: gitlab, name: "project_path:payments/deploy:ref_type:branch:ref:main"}]
    """

  private static func server() async throws -> TestServer {
    let server = try await TestServer.unsealed()
    try await server.declare("base")
    try await server.declare("dev", inherits: "base")
    try await server.declare("staging", inherits: "base")
    try await server.declare("prod", inherits: "base", production: true)
    try await server.declare("prod-eu", inherits: "prod", production: true)
    try await server.apply(policy)
    for environment in ["base", "dev", "staging", "prod"] {
      try await server.put("payments/db", in: environment, ["password": "of \(environment)"])
    }
    try await server.put("payments/common", in: "base", ["x": "shared"])
    try await server.put("ops/root", in: "dev", ["x": "not theirs"])
    return server
  }

  /// The same references in three environments give three values, and each has its entry.
  @Test
  func oneReferenceHasAValueInEachEnvironment() async throws {
    let server = try await Self.server()
    let references = ["kw://payments/db#password", "kw://payments/common#x"]
    for (environment, found) in [("dev", "dev"), ("staging", "staging"), ("prod-eu", "prod")] {
      let start = try server.logSize()
      let fetched = try await server.fetch(references, as: Self.job(environment))
      #expect(fetched.values.map(\.text) == ["of \(found)", "shared"])
      #expect(fetched.head.environment == environment)
      #expect(fetched.head.environmentSource == .identity)
      #expect(fetched.head.isProduction == (environment == "prod-eu"))
      #expect(fetched.head.results.map(\.environment) == [found, "base"])
      let events = try server.events(from: start)
      #expect(
        events.map(\.resource) == [
          "secrets/\(environment)/payments/db", "secrets/\(environment)/payments/common",
        ]
      )
      for event in events {
        #expect(event.operation == "secret:read" && event.outcome == .allowed)
        #expect(event.principal.environment == environment)
        #expect(event.rule?.hasPrefix("pipelines/deployers#0") == true)
        let claims = event.principal.claims.map { "\($0.name)=\($0.value)" }
        #expect(claims == ["job_id=4711", "project_path=payments/deploy", "ref=main"])
      }
      #expect(events.first?.details == [.secret(version: 1, depth: found == environment ? 0 : 1)])
    }
  }

  /// A job of dev that asks for production is told which rule it lacks, and nothing of what is there.
  @Test
  func aRefusalSaysWhichRuleWasMissing() async throws {
    let server = try await Self.server()
    let start = try server.logSize()
    let references = ["kw://payments/db#password", "kw://payments/none#x"]
    let fetched = try await server.fetch(references, in: "prod-eu", as: Self.job("dev"))
    #expect(fetched.values.isEmpty && !fetched.head.isComplete)
    for result in fetched.head.results {
      #expect(result.outcome == .forbidden)
      #expect(result.rule.contains("pipelines/deployers#0"), "\(result.rule)")
      #expect(result.message?.contains("prod-eu") == true)
      #expect(result.environment == nil && result.version == nil && result.values.isEmpty)
    }
    // What is there and what is not look the same.
    #expect(fetched.head.results[0].rule == fetched.head.results[1].rule)
    let events = try server.events(from: start)
    #expect(events.map(\.outcome) == [.refused, .refused])
    #expect(events.map(\.rule) == fetched.head.results.map(\.rule))
    #expect(events.allSatisfy { $0.reason == "forbidden" })
  }

  @Test
  func allOrNothingUnlessPartial() async throws {
    let server = try await Self.server()
    let references = ["kw://payments/db#password", "kw://ops/root#x", "kw://payments/none#x"]
    let start = try server.logSize()
    let whole = try await server.fetch(references, as: Self.job("dev"))
    #expect(whole.values.isEmpty && whole.head.lengths.isEmpty)
    #expect(whole.head.results.map(\.outcome) == [.allowed, .forbidden, .missing])
    #expect(try server.events(from: start).map(\.reason) == ["withheld", "forbidden", "not_found"])
    let part = try await server.fetch(references, partial: true, as: Self.job("dev"))
    #expect(part.values.map(\.text) == ["of dev"] && part.head.lengths == [6])
    #expect(!part.head.isComplete)
    let planned = try server.logSize()
    let plan = try await server.fetch(references, plan: true, as: Self.job("dev"))
    #expect(plan.head.results.map(\.outcome) == whole.head.results.map(\.outcome))
    #expect(plan.head.results.map(\.rule) == whole.head.results.map(\.rule))
    #expect(plan.values.isEmpty && plan.head.lengths.isEmpty)
    #expect(try server.events(from: planned).map(\.operation) == ["self:read"])
  }

  /// Without an environment of its own a job gets none, and production never.
  @Test
  func withoutAnEnvironmentThereIsNone() async throws {
    let server = try await Self.server()
    let start = try server.logSize()
    await refused(.invalidRequest) {
      try await server.fetch(["kw://payments/db#password"], as: Self.job(nil))
    }
    await refused(.invalidRequest) { try await server.put("payments/db", in: nil, ["x": "1"]) }
    #expect(try server.events(from: start).map(\.outcome) == [.refused, .refused])
    _ = try await server.service.writeCluster(
      .officer,
      "eu",
      ClusterDocument(environment: "prod-eu", issuers: [try TestIssuer().document(name: "eu")])
    )
    let error = await refused(.invalidRequest) {
      try await server.fetch(["kw://payments/db#password"], as: Self.job(nil, cluster: "eu"))
    }
    #expect(error?.message.contains("never a default") == true)
  }

  @Test
  func fiveHundredReferencesAreOneCommit() async throws {
    let server = try await TestServer.unsealed()
    try await server.declare("dev")
    for number in 0..<500 {
      try await server.put("many/s\(number)".name, in: "dev", ["x": "value \(number)"])
    }
    let start = try server.logSize()
    let fetched = try await server.fetch((0..<500).map { "kw://many/s\($0)#x" }, in: "dev")
    #expect(fetched.values.map(\.text) == (0..<500).map { "value \($0)" })
    #expect(try server.logSize() - start == 500)
    let events = try server.events(from: start)
    #expect(Set(events.map(\.resource)).count == 500)
    #expect(Set(events.map(\.time)).count == 1)
    #expect(events.allSatisfy { $0.outcome == .allowed && $0.request == "00000000000000aa" })
    await refused(.limitExceeded) {
      try await server.fetch([String](repeating: "kw://many/s1#x", count: 1001), in: "dev")
    }
  }

  /// When the entries cannot be written, no value leaves; all of them or none are in the log.
  @Test
  func nothingIsFetchedWithoutItsEntries() async throws {
    let server = try await TestServer.unsealed(isFaulty: true)
    try await server.declare("dev")
    for number in 0..<20 { try await server.put("p/s\(number)".name, in: "dev", ["x": "1"]) }
    let references = (0..<20).map { "kw://p/s\($0)#x" }
    let start = try server.logSize()
    try server.faults.failCommits(1)
    await refused(.storageFull) { try await server.fetch(references, in: "dev") }
    #expect(try server.logSize() == start)
    #expect(try await server.fetch(references, in: "dev").values.count == 20)
    #expect(try server.logSize() == start + 20)
  }

  /// Lists, searches and comparisons tell nothing of what the caller may not see: the answer is the
  /// same as if it were not there.
  @Test
  func listsDoNotTellWhatExists() async throws {
    let server = try await Self.server()
    let job = Self.job("dev")
    func answers() async throws -> [String] {
      var texts: [String] = []
      for query in [
        SecretQuery(limit: 100), SecretQuery(limit: 1), SecretQuery(search: "root", limit: 100),
        SecretQuery(environment: "prod", limit: 100), SecretQuery(project: "ops", limit: 100),
      ] {
        let page = try await server.service.listSecrets(job, query)
        texts.append(
          "\(page.secrets.map { "\($0.environment)/\($0.name)" }) \(page.nextCursor ?? "-")"
        )
      }
      let difference = try await server.service.compareSecrets(
        job,
        from: "dev",
        to: "staging",
        project: nil
      )
      texts.append("\(difference)")
      let report = try await server.service.reportSecrets(
        job,
        environment: nil,
        unusedFor: 0,
        olderThan: 0
      )
      texts.append("\(report.lines.map { "\($0.environment)/\($0.name)" })")
      return texts
    }
    let before = try await answers()
    #expect(before[0].contains("dev/payments/db") && !before[0].contains("ops/root"))
    #expect(before[3] == "[] -")
    for environment in ["dev", "staging", "prod"] {
      for name: SecretName in ["a/first", "ops/more", "zz/last"] {
        try await server.put(name, in: environment, ["x": "1"])
      }
    }
    #expect(try await answers() == before)
    #expect(try await server.service.listEnvironments(.officer).environments.count == 5)
  }

  @Test
  func diffShowsNamesAndFields() async throws {
    let server = try await Self.server()
    try await server.put("payments/only", in: "staging", ["x": "1"])
    try await server.put("payments/db", in: "staging", ["password": "s", "user": "u"])
    let found = try await server.service.compareSecrets(
      .officer,
      from: "staging",
      to: "prod-eu",
      project: "payments"
    )
    #expect(found.same == 1)
    #expect(found.differences.map(\.name) == ["payments/db", "payments/only"])
    #expect(found.differences.map(\.missingFields) == [["user"], ["x"]])
    #expect(found.differences.map(\.from) == ["staging", "staging"])
    #expect(found.differences.map(\.to) == ["prod", nil])
  }

  /// A promotion takes a read there and a write here.
  @Test
  func promotionIsUnderPolicy() async throws {
    let server = try await Self.server()
    let request = PromoteSecretRequest(from: "staging", to: "prod", expectedVersion: 1)
    await refused(.forbidden) {
      try await server.service.promoteSecret(Self.job("dev"), "payments/db", request)
    }
    await refused(.forbidden) {
      try await server.service.promoteSecret(Self.job("staging"), "payments/db", request)
    }
    let start = try server.logSize()
    let made = try await server.service.promoteSecret(.officer, "payments/db", request)
    #expect(made.secret.latestVersion == 2 && made.secret.versions.last?.origin == .promoted)
    #expect(try await server.value("kw://payments/db#password", in: "prod") == "of staging")
    #expect(
      try server.events(from: start).prefix(2).map { "\($0.operation) \($0.resource)" } == [
        "secret:read secrets/staging/payments/db", "secret:write secrets/prod/payments/db",
      ]
    )
    await refused(.conflict) {
      try await server.service.promoteSecret(.officer, "payments/db", request)
    }
  }

  /// Who may declare environments does not thereby read what others have.
  @Test
  func inheritingTakesARightToTheParent() async throws {
    let server = try await Self.server()
    try await server.apply(
      """
      apiVersion: keyward.dev/v1
      kind: Role
      metadata: {name: declarers}
      spec:
        rules: [{effect: allow, operations: ["environment:*"], resources: ["environments/mine"]}]
      ---
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: declarers}
      spec: {role: declarers, subjects: [{issuer: tokens, name: ana}]}
      """
    )
    let ana = Caller.named("ana")
    func write(_ parent: String?) async throws {
      _ = try await server.service.writeEnvironment(
        ana,
        "mine",
        EnvironmentDocument(name: "mine", inherits: parent, production: false)
      )
    }
    try await write(nil)
    await refused(.forbidden) { try await write("staging") }
    #expect(try await server.service.environment(ana, "mine").inherits == nil)
  }

  /// In an environment that overrides, what is destroyed there uncovers what it inherits.
  @Test
  func overridesCoverUntilTheyAreGone() async throws {
    let server = try await Self.server()
    let all = SecretVersionsRequest(environment: "dev", all: true)
    let newest = SecretVersionsRequest(environment: "dev")
    _ = try await server.service.deleteSecret(.officer, "payments/db", newest)
    // Deleted is not gone: nobody gets the value of another environment by a deletion.
    let deleted = try await server.fetch(["kw://payments/db#password"], in: "dev")
    #expect(deleted.head.results.map(\.outcome) == [.deleted])
    _ = try await server.service.destroySecret(.officer, "payments/db", all)
    #expect(try await server.value("kw://payments/db#password", in: "dev") == "of base")
    await refused(.conflict) { try await server.service.deleteEnvironment(.officer, "dev") }
    await refused(.conflict) { try await server.service.deleteEnvironment(.officer, "base") }
  }

  @Test
  func approvalsAreForOneSecretAtATime() async throws {
    let server = try await Self.server()
    try await server.apply(
      """
      apiVersion: keyward.dev/v1
      kind: ApprovalRule
      metadata: {name: production-reads}
      spec:
        operations: ["secret:read"]
        resources: ["secrets/prod/**"]
        require: {n: 1, of: [{issuer: tokens, name: "boss"}]}
      ---
      apiVersion: keyward.dev/v1
      kind: Role
      metadata: {name: approvers}
      spec:
        rules: [{effect: allow, operations: ["approval:*"], resources: ["approvals"]}]
      ---
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: approvers}
      spec: {role: approvers, subjects: [{issuer: tokens, name: boss}]}
      """
    )
    let fetched = try await server.fetch(["kw://payments/db#password"], as: Self.job("prod"))
    #expect(fetched.head.results.map(\.outcome) == [.approvalRequired])
    #expect(fetched.head.results[0].message?.contains("'production-reads'") == true)
    #expect(fetched.values.isEmpty)
    // A plan says the same, and of several the others are not given either.
    let plan = try await server.fetch(
      ["kw://payments/db#password"],
      plan: true,
      as: Self.job("prod")
    )
    #expect(plan.head.results == fetched.head.results)
    let reference = try SecretReference("kw://payments/db#password")
    let asking = Self.job("prod").asking("read")
    let error = await refused(.approvalRequired) {
      try await server.service.readSecret(asking, reference, environment: "prod")
    }
    let id = try #require(error?.approval)
    _ = try await server.service.vote(.named("boss"), id, isApproval: true)
    let read = try await server.service.readSecret(
      Self.job("prod").asking("read", id),
      reference,
      environment: "prod"
    )
    #expect(read.values.map(\.text) == ["of prod"])
  }
}
