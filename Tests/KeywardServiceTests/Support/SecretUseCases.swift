import KeywardCrypto
import KeywardModel
import KeywardService
import KeywardTesting

extension EnvironmentName: ExpressibleByStringLiteral {
  /// A name that the test is sure of.
  public init(stringLiteral text: String) {
    do { try self.init(text) } catch { preconditionFailure("\(text): \(error.sentence)") }
  }
}

extension SecretName: ExpressibleByStringLiteral {
  /// A name that the test is sure of.
  public init(stringLiteral text: String) {
    do { try self.init(text) } catch { preconditionFailure("\(text): \(error.sentence)") }
  }
}

extension TestServer {
  /// A server on which `scratch` inherits from `prod`, and that from `base`.
  static func inheriting() async throws -> TestServer {
    let server = try await TestServer.unsealed()
    try await server.declare("base")
    try await server.declare("prod", inherits: "base", production: true)
    try await server.declare("scratch", inherits: "prod", production: true)
    return server
  }

  /// Declares an environment, as the officer.
  func declare(
    _ name: EnvironmentName,
    inherits: String? = nil,
    production: Bool = false
  ) async throws {
    _ = try await service.writeEnvironment(
      .officer,
      name,
      EnvironmentDocument(
        name: name.description,
        inherits: inherits,
        production: production
      )
    )
  }

  /// Writes a version, as the officer if nobody else.
  @discardableResult
  func put(
    _ name: SecretName,
    in environment: String?,
    _ fields: [String: String],
    expecting version: Int? = nil,
    as caller: Caller = .officer,
    _ change: (inout PutSecretRequest) -> Void = { _ in }
  ) async throws -> SecretWritten {
    let names = fields.keys.sorted()
    var request = PutSecretRequest(
      environment: environment,
      fields: names.map {
        PutSecretRequest.Field(name: $0, length: fields[$0]?.utf8.count ?? 0)
      },
      expectedVersion: version
    )
    change(&request)
    let values = try names.map { try SecretBox.of(fields[$0] ?? "") }
    return try await service.putSecret(caller, name, request, values: values)
  }

  /// Fetches, as the officer if nobody else.
  func fetch(
    _ references: [String],
    in environment: String? = nil,
    plan: Bool = false,
    partial: Bool = false,
    as caller: Caller = .officer
  ) async throws -> FetchedSecrets {
    try await service.fetchSecrets(
      caller,
      FetchSecretsRequest(
        references: references,
        environment: environment,
        plan: plan,
        partial: partial
      )
    )
  }

  /// The text of one value; nil if it is not given.
  func value(
    _ reference: String,
    in environment: String? = nil,
    as caller: Caller = .officer
  ) async throws -> String? {
    try await fetch([reference], in: environment, as: caller).values.first?.text
  }
}

extension ChokePointTests {
  static let environment: EnvironmentName = "guarded"
  static let secret: SecretName = "guarded/secret"
  private static let versions = SecretVersionsRequest(environment: "guarded", versions: [1])

  /// The use cases about secrets and environments.
  static let secretUseCases: [UseCase] = [
    UseCase(operation: .environmentList) { server, caller in
      _ = try await server.service.listEnvironments(caller)
    },
    UseCase(operation: .environmentShow) { server, caller in
      _ = try await server.service.environment(caller, environment)
    },
    UseCase(operation: .environmentWrite) { server, caller in
      _ = try await server.service.writeEnvironment(
        caller,
        environment,
        EnvironmentDocument(name: "guarded", production: false)
      )
    },
    UseCase(operation: .environmentDelete) { server, caller in
      _ = try await server.service.deleteEnvironment(caller, environment)
    },
    UseCase(operation: .bundleReport) { server, caller in
      _ = try await server.service.reportOpenings(
        caller,
        ReportOpeningsRequest(openings: [
          BundleOpening(
            openedAt: "2027-01-31T18:00:00Z",
            bundle: String(repeating: "a", count: 64),
            environment: "guarded",
            by: "uid-0@site",
            references: ["kw://guarded/secret?version=1#a"]
          )
        ])
      )
    },
    UseCase(operation: .secretList) { server, caller in
      _ = try await server.service.listSecrets(caller, SecretQuery())
    },
    UseCase(operation: .secretList) { server, caller in
      _ = try await server.service.compareSecrets(
        caller,
        from: environment,
        to: "other",
        project: nil
      )
    },
    UseCase(operation: .secretList) { server, caller in
      _ = try await server.service.reportSecrets(
        caller,
        environment: nil,
        unusedFor: 0,
        olderThan: 0
      )
    },
    UseCase(operation: .secretShow) { server, caller in
      _ = try await server.service.showSecret(caller, secret, environment: "guarded")
    },
    UseCase(operation: .secretRead) { server, caller in
      _ = try await server.service.readSecret(
        caller,
        SecretReference(secret, field: nil),
        environment: "guarded"
      )
    },
    UseCase(operation: .secretRead) { server, caller in
      let fetched = try await server.fetch(
        ["kw://guarded/secret#a"],
        in: "guarded",
        as: caller
      )
      // A fetch tells of each reference in its answer.
      if fetched.head.results.first?.outcome == .forbidden { throw ServiceError.forbidden }
    },
    UseCase(operation: .secretWrite) { server, caller in
      try await server.put(secret, in: "guarded", ["a": "b"], as: caller)
    },
    UseCase(operation: .secretWrite) { server, caller in
      try await server.put(secret, in: "guarded", [:], as: caller) {
        $0.generate = [PutSecretRequest.Generation(field: "a", form: .hex)]
      }
    },
    UseCase(operation: .secretWrite) { server, caller in
      _ = try await server.service.rollbackSecret(caller, secret, versions)
    },
    UseCase(operation: .secretDelete) { server, caller in
      _ = try await server.service.deleteSecret(caller, secret, versions)
    },
    UseCase(operation: .secretUndelete) { server, caller in
      _ = try await server.service.undeleteSecret(caller, secret, versions)
    },
    UseCase(operation: .secretDestroy) { server, caller in
      _ = try await server.service.destroySecret(caller, secret, versions)
    },
  ]
}
