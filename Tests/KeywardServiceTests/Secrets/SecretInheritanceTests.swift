import KeywardAudit
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// What policy says of an environment holds for whoever inherits from it.
@Suite
struct SecretInheritanceTests {
  private static let ana = Caller.named("ana")

  /// Ana reads all of `scratch`, which inherits from `prod`, which inherits from `base`.
  private static func server(_ documents: String) async throws -> TestServer {
    let server = try await TestServer.inheriting()
    try await server.put("p/db", in: "prod", ["x": "of prod"])
    try await server.put("p/own", in: "scratch", ["x": "of scratch"])
    try await server.put("p/base", in: "base", ["x": "of base"])
    try await server.apply(
      PolicyText.grant(
        "readers",
        to: ["ana"],
        .allow(["secret:read", "secret:show", "secret:destroy"], ["secrets/scratch/**"])
      )
    )
    if !documents.isEmpty { try await server.apply(documents) }
    return server
  }

  private static let forbid = PolicyText.grant(
    "kept-out",
    to: ["ana"],
    .forbid(["secret:*"], ["secrets/prod/**"])
  )

  private static let references = ["kw://p/db#x", "kw://p/own#x", "kw://p/base#x"]

  @Test
  func theAllowIsOfTheEnvironmentAskedFor() async throws {
    let server = try await Self.server("")
    let fetched = try await server.fetch(Self.references, in: "scratch", as: Self.ana)
    #expect(fetched.values.map(\.text) == ["of prod", "of scratch", "of base"])
  }

  /// A forbid on the environment that has the value refuses it, in every way to ask for it.
  @Test
  func aForbidHoldsForWhatIsInherited() async throws {
    let server = try await Self.server(Self.forbid)
    let start = try server.logSize()
    let fetched = try await server.fetch(
      Self.references,
      in: "scratch",
      partial: true,
      as: Self.ana
    )
    #expect(fetched.head.results.map(\.outcome) == [.forbidden, .allowed, .allowed])
    #expect(fetched.values.map(\.text) == ["of scratch", "of base"])
    let events = try server.events(from: start)
    #expect(events.map(\.outcome) == [.refused, .allowed, .allowed])
    // What the entry says of its own resource stays true: policy allowed that.
    #expect(events[0].reason == "forbidden")
    #expect(events[0].rule == "later check; allowed by readers/readers#0")
    #expect(events[0].details.isEmpty)
    let result = fetched.head.results[0]
    #expect(result.message?.contains("secrets/prod/p/db") == true)
    #expect(result.message?.contains("kept-out/kept-out#0") == true)
    let plan = try await server.fetch(Self.references, in: "scratch", plan: true, as: Self.ana)
    #expect(plan.head.results.map(\.outcome) == fetched.head.results.map(\.outcome))
    #expect(plan.head.results.map(\.rule) == fetched.head.results.map(\.rule))
    #expect(plan.head.results.map(\.message) == fetched.head.results.map(\.message))
    let reference = try SecretReference("kw://p/db#x")
    await refused(.forbidden) {
      try await server.service.readSecret(Self.ana, reference, environment: "scratch")
    }
    await refused(.forbidden) {
      try await server.service.showSecret(Self.ana, "p/db", environment: "scratch")
    }
    let difference = try await server.service.compareSecrets(
      .officer,
      from: "scratch",
      to: "base",
      project: nil
    )
    #expect(difference.differences.map(\.name) == ["p/db", "p/own"])
  }

  /// An approval rule on the environment that has the value asks for it here as it does there.
  @Test
  func anApprovalIsAskedForWhatIsInherited() async throws {
    let server = try await Self.server(
      PolicyText.all(
        PolicyText.approvalRule(
          "production-reads",
          ["secret:read"],
          ["secrets/prod/**"],
          of: "boss"
        ),
        PolicyText.approvers("boss")
      )
    )
    let fetched = try await server.fetch(
      Self.references,
      in: "scratch",
      partial: true,
      as: Self.ana
    )
    #expect(fetched.head.results.map(\.outcome) == [.approvalRequired, .allowed, .allowed])
    let reference = try SecretReference("kw://p/db#x")
    let error = await refused(.approvalRequired) {
      try await server.service.readSecret(
        Self.ana.asking("read"),
        reference,
        environment: "scratch"
      )
    }
    let id = try #require(error?.approval)
    _ = try await server.service.vote(.named("boss"), id, isApproval: true)
    let read = try await server.service.readSecret(
      Self.ana.asking("read", id),
      reference,
      environment: "scratch"
    )
    #expect(read.values.map(\.text) == ["of prod"])
  }

  /// Destroying what covers an inherited value does not open the way to it.
  @Test
  func uncoveringIsNoWayAroundAForbid() async throws {
    let server = try await Self.server(Self.forbid)
    try await server.put("p/db", in: "scratch", ["x": "mine"])
    #expect(try await server.value("kw://p/db#x", in: "scratch", as: Self.ana) == "mine")
    _ = try await server.service.destroySecret(
      Self.ana,
      "p/db",
      SecretVersionsRequest(environment: "scratch", all: true)
    )
    let fetched = try await server.fetch(["kw://p/db#x"], in: "scratch", as: Self.ana)
    #expect(fetched.head.results.map(\.outcome) == [.forbidden] && fetched.values.isEmpty)
  }

  /// Whether an environment is production is told to who may read something there.
  @Test
  func productionIsNotToldToOthers() async throws {
    let server = try await Self.server("")
    let outside = try await server.fetch(["kw://p/db#x"], in: "prod", as: Self.ana)
    #expect(outside.head.results.map(\.outcome) == [.forbidden] && !outside.head.isProduction)
    let planned = try await server.fetch(["kw://p/db#x"], in: "prod", plan: true, as: Self.ana)
    #expect(!planned.head.isProduction)
    #expect(try await server.fetch(["kw://p/no#x"], in: "scratch", as: Self.ana).head.isProduction)
  }

  /// The answer to who may not inherit is one, whatever there is; so is that of a comparison.
  @Test
  func whatIsDeclaredIsNotTold() async throws {
    let server = try await Self.server(
      PolicyText.grant(
        "declarers",
        to: ["ana"],
        .allow(["environment:write", "secret:list"], ["environments/mine", "secrets"])
      )
    )
    for parent in ["prod", "nowhere"] {
      await refused(.forbidden) {
        try await server.service.writeEnvironment(
          Self.ana,
          "mine",
          EnvironmentDocument(name: "mine", inherits: parent, production: false)
        )
      }
    }
    for other: EnvironmentName in ["prod", "nowhere"] {
      let found = try await server.service.compareSecrets(
        Self.ana,
        from: "scratch",
        to: other,
        project: nil
      )
      #expect(found.differences.isEmpty && found.same == 0)
    }
    let empty = try await server.service.compareSecrets(
      .officer,
      from: "base",
      to: "nowhere",
      project: nil
    )
    #expect(empty.differences.map(\.name) == ["p/base"] && empty.differences.first?.to == nil)
  }

  /// `can-i` and `explain` answer as the read would, and tell of what is behind to nobody else.
  @Test
  func questionsAreAnsweredAsTheReadIs() async throws {
    let server = try await Self.server(Self.forbid)
    try await server.put("p/db", in: "scratch", ["x": "mine"])
    try await server.put("p/db", in: "base", ["x": "of base"])
    func ask(_ resource: String, as caller: Caller = Self.ana) async throws -> DecisionAnswer {
      let request = DecisionRequest(operation: "secret:read", resource: resource)
      let answer = try await server.service.decide(caller, request, explaining: false)
      let why = try await server.service.decide(caller, request, explaining: true)
      #expect(answer.explanation.isEmpty && why.explanation.first?.contains(answer.rule) == true)
      #expect((why.allowed, why.rule) == (answer.allowed, answer.rule))
      #expect(why.approvals == answer.approvals && why.inheritedFrom == answer.inheritedFrom)
      return why
    }
    let own = try await ask("secrets/scratch/p/db")
    #expect(own.allowed && own.inheritedFrom == nil)
    let scratch = SecretVersionsRequest(environment: "scratch", all: true)
    _ = try await server.service.destroySecret(.officer, "p/db", scratch)
    let behind = try await ask("secrets/scratch/p/db")
    #expect(!behind.allowed && behind.rule == "kept-out/kept-out#0")
    #expect(behind.inheritedFrom == "secrets/prod/p/db")
    #expect(behind.explanation.contains { $0.contains("secrets/prod/p/db") })
    #expect(behind.explanation.contains("kept-out/kept-out#0 forbids it there, and a forbid wins"))
    let fetched = try await server.fetch(["kw://p/db#x"], in: "scratch", as: Self.ana)
    #expect(fetched.head.results.map(\.outcome) == [.forbidden])

    // Who may not read in the first environment learns nothing of a second.
    let stranger = try await ask("secrets/scratch/p/db", as: .named("bob"))
    #expect(!stranger.allowed && stranger.inheritedFrom == nil)
    #expect(!stranger.explanation.joined().contains("prod"))
    #expect(try await ask("secrets/scratch/p/none").inheritedFrom == nil)

    // An approval that the second asks for is one of the answer.
    try await server.apply(
      PolicyText.all(
        PolicyText.approvalRule("base-reads", ["secret:read"], ["secrets/base/**"], of: "boss"),
        PolicyText.approvers("boss")
      )
    )
    let prod = SecretVersionsRequest(environment: "prod", all: true)
    _ = try await server.service.destroySecret(.officer, "p/db", prod)
    let approved = try await ask("secrets/scratch/p/db")
    #expect(approved.allowed && approved.inheritedFrom == "secrets/base/p/db")
    #expect(approved.approvals.count == 1 && approved.approvals[0].hasPrefix("base-reads: "))
    // Destroying stays in the environment that is named.
    let destroy = DecisionRequest(operation: "secret:destroy", resource: "secrets/scratch/p/db")
    let writing = try await server.service.decide(Self.ana, destroy, explaining: false)
    #expect(writing.allowed && writing.inheritedFrom == nil && writing.approvals.isEmpty)
  }
}
