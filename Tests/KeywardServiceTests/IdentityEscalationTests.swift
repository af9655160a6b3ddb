import KeywardAudit
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Who lets somebody be an identity must hold what policy grants it: named tokens, and records that
/// vouch for identities.
@Suite
struct IdentityEscalationTests {
  /// The registrar may make tokens below `ci/` and register whatever it likes, and encrypts with
  /// `keys/ci/**`; the head may escalate besides.
  static let policy = """
    apiVersion: keyward.dev/v1
    kind: Role
    metadata: {name: registrar}
    spec:
      rules:
        - {effect: allow, operations: [token:create], resources: ["auth/tokens", "auth/tokens/ci/**"]}
        - {effect: allow, operations: [token:create], resources: ["auth/tokens/voter"]}
        - {effect: allow, operations: ["auth:*"], resources: ["auth/**"]}
        - {effect: allow, operations: [key:encrypt], resources: ["keys/ci/**"]}
        - {effect: allow, operations: [approval:approve], resources: [approvals]}
    ---
    apiVersion: keyward.dev/v1
    kind: Role
    metadata: {name: head}
    spec:
      rules:
        - {effect: allow, operations: [policy:escalate], resources: [policy]}
    ---
    apiVersion: keyward.dev/v1
    kind: Role
    metadata: {name: builder}
    spec:
      rules:
        - {effect: allow, operations: [key:encrypt], resources: ["keys/ci/**"]}
    ---
    apiVersion: keyward.dev/v1
    kind: Role
    metadata: {name: deployer}
    spec:
      rules:
        - {effect: allow, operations: [key:decrypt], resources: ["keys/{name}/**"]}
        - {effect: allow, operations: [key:decrypt], resources: ["keys/prod"]}
    ---
    apiVersion: keyward.dev/v1
    kind: Role
    metadata: {name: voter}
    spec:
      rules:
        - {effect: allow, operations: [approval:approve], resources: [approvals]}
    ---
    apiVersion: keyward.dev/v1
    kind: Binding
    metadata: {name: registrars}
    spec: {role: registrar, subjects: [{issuer: tokens, name: reg}, {issuer: tokens, name: head}]}
    ---
    apiVersion: keyward.dev/v1
    kind: Binding
    metadata: {name: heads}
    spec: {role: head, subjects: [{issuer: tokens, name: head}]}
    ---
    apiVersion: keyward.dev/v1
    kind: Binding
    metadata: {name: builders}
    spec: {role: builder, subjects: [{issuer: tokens, name: ci/build}, {issuer: builds, name: "system:serviceaccount:apps:kms"}, {issuer: roles, name: build}]}
    ---
    apiVersion: keyward.dev/v1
    kind: Binding
    metadata: {name: deployers}
    spec:
      role: deployer
      subjects:
        - {issuer: tokens, name: ci/deploy}
        - {issuer: tokens, name: ci/staged, environment: prod}
        - {issuer: deploys, name: "system:serviceaccount:apps:kms"}
        - {issuer: roles, name: deploy}
        - {issuer: kubernetes, cluster: prod, name: "system:serviceaccount:apps:kms"}
    ---
    apiVersion: keyward.dev/v1
    kind: Binding
    metadata: {name: voters}
    spec: {role: voter, subjects: [{issuer: tokens, name: voter}]}

    """

  private static let (registrar, head) = (Caller.named("reg"), Caller.named("head"))

  private static func server() async throws -> TestServer {
    let server = try await TestServer.unsealed()
    try await server.apply(policy)
    return server
  }

  /// What is made, by whom it may be made, and whether it gives more than the registrar holds.
  enum Act: CaseIterable, Sendable {
    case boundToLess, unbound, boundToMore, boundByEnvironment, otherEnvironment, voter
    case issuerOfLess, issuerOfMore, roleOfLess, roleOfMore, clusterOfLess, clusterOfMore

    var givesMore: Bool {
      switch self {
      case .boundToLess, .unbound, .otherEnvironment, .issuerOfLess, .roleOfLess, .clusterOfLess:
        false
      case .boundToMore, .boundByEnvironment, .voter, .issuerOfMore, .roleOfMore, .clusterOfMore:
        true
      }
    }

    func perform(_ server: TestServer, _ caller: Caller) async throws {
      let service = try server.service
      func token(_ name: String, _ environment: String? = nil) async throws {
        _ = try await service.createToken(
          caller,
          TokenRequest(name: name, environment: environment)
        )
      }
      switch self {
      case .boundToLess: try await token("ci/build")
      case .unbound: try await token("ci/nobody")
      case .boundToMore: try await token("ci/deploy")
      case .boundByEnvironment: try await token("ci/staged", "prod")
      case .otherEnvironment: try await token("ci/staged", "test")
      case .voter: try await token("voter")
      case .issuerOfLess: _ = try await service.writeIssuer(caller, "builds", Self.issuer())
      case .issuerOfMore: _ = try await service.writeIssuer(caller, "deploys", Self.issuer())
      case .roleOfLess: _ = try await service.writeRole(caller, "build", MachineRoleDocument())
      case .roleOfMore: _ = try await service.writeRole(caller, "deploy", MachineRoleDocument())
      case .clusterOfLess: _ = try await service.writeCluster(caller, "test", Self.cluster())
      case .clusterOfMore: _ = try await service.writeCluster(caller, "prod", Self.cluster())
      }
    }

    private static func issuer() throws -> IssuerDocument { try TestIssuer().document() }

    private static func cluster() throws -> ClusterDocument {
      ClusterDocument(issuers: [try TestIssuer().document(name: "kubernetes")])
    }
  }

  @Test(arguments: Act.allCases)
  func nobodyLetsOthersDoWhatTheyDoNotHold(_ act: Act) async throws {
    let server = try await Self.server()
    if act.givesMore {
      let error = await refused(.forbidden) { try await act.perform(server, Self.registrar) }
      #expect(error?.message.hasPrefix("It would give what you do not hold") == true)
      let entry = try #require(try server.events().last { $0.reason == "forbidden" })
      #expect(entry.rule?.hasPrefix("later check; allowed by registrars/registrar#") == true)
      try await act.perform(server, Self.head)
    } else {
      try await act.perform(server, Self.registrar)
    }
    // The officer of the admin socket holds everything.
    try await act.perform(server, .officer)
  }

  /// The resource of a named token has its name, so policy says which names are whose.
  @Test
  func policyScopesTheNamesOfTokens() async throws {
    let server = try await Self.server()
    for name in ["ci", "other", "cix/build"] {
      let error = await refused(.forbidden) {
        try await server.service.createToken(Self.registrar, TokenRequest(name: name))
      }
      #expect(error == .forbidden, "\(name)")
    }
    _ = try await server.service.createToken(Self.registrar, TokenRequest(name: "ci/x"))
    let made = try server.events().filter { $0.operation == "token:create" }
    #expect(made.last?.resource == "auth/tokens/ci/x")
    // No name makes its way out of the resource that it was asked for.
    for name in [
      "ci/../head", "ci//x", "/ci", "ci/", "ci/*", "ci/{name}", "ci x", "a/b/c/d/e/f/g/h/i",
    ] {
      await refused(.invalidRequest, "\(name)") {
        try await server.service.createToken(.officer, TokenRequest(name: name))
      }
    }
  }
}
