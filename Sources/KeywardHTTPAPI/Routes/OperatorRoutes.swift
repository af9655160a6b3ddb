import KeywardCrypto
import KeywardModel
import NIOCore

extension RouteTable {
  static let operatorRoutes: [Route] = [
    Route(
      method: .get,
      pattern: "/api/v1/status",
      parameters: [],
      body: .none,
      response: .json,
      authentication: .none,
      knowsCallers: true,
      operation: .operatorStatus,
      deadline: quick
    ) { (request, service) throws(ServiceError) in
      try .json(try await service.status(request.caller))
    },
    action(
      "init",
      .operatorInit,
      by: .peer,
      [Route.Parameter("seal"), Route.Parameter("shares"), Route.Parameter("threshold")],
      body: .octets(limit: secretLimit),
      response: .secret
    ) { (request, service) throws(ServiceError) in
      .secret(
        try await service.initialize(
          request.caller,
          try sealRequest(request.query),
          passphrase: try request.secretBody()
        )
      )
    },
    action(
      "unseal",
      .operatorUnseal,
      by: .none,
      cost: 20,
      [Route.Parameter("accept")],
      body: .octets(limit: secretLimit)
    ) { (request, service) throws(ServiceError) in
      let accepted = try request.query.choice("accept", of: Acceptance.self)
      guard accepted == nil || request.caller.principal.kind != .anonymous else {
        throw ServiceError(
          .forbidden,
          "Whoever accepts an older database has to be known.",
          remedy: "Run: keyward operator unseal --accept-rollback on the server's machine."
        )
      }
      return try .json(
        try await service.unseal(
          request.caller,
          input: try request.secretBody(),
          acceptingRollback: accepted == .rollback
        )
      )
    },
    action("seal", .operatorSeal) { (request, service) throws(ServiceError) in
      try .json(try await service.seal(request.caller))
    },
    action(
      "rekey",
      .operatorRekey,
      [Route.Parameter("seal"), Route.Parameter("shares"), Route.Parameter("threshold")],
      body: .octets(limit: secretLimit),
      response: .secret
    ) { (request, service) throws(ServiceError) in
      let (current, passphrase) = try SecretParts.split(try request.secretBody())
      return .secret(
        try await service.rekey(
          request.caller,
          try sealRequest(request.query),
          current: current,
          passphrase: passphrase
        )
      )
    },
    action(
      "rekey-confirm",
      .operatorRekey,
      body: .octets(limit: secretLimit)
    ) { (request, service) throws(ServiceError) in
      try .json(
        try await service.confirmRekey(request.caller, shares: try request.secretBody())
      )
    },
    action(
      "lift-approval-rule",
      .policyApply,
      by: .peer,
      cost: 20,
      [Route.Parameter("rule", isRequired: true)],
      body: .octets(limit: secretLimit)
    ) { (request, service) throws(ServiceError) in
      try .json(
        try await service.liftApprovalRule(
          request.caller,
          try request.query.requiredText("rule"),
          shares: try request.secretBody()
        )
      )
    },
    action("rotate", .operatorRotate) { (request, service) throws(ServiceError) in
      try .json(try await service.rotateKeyring(request.caller))
    },
  ]

  /// What `unseal` may be told to accept.
  private enum Acceptance: String, CaseIterable {
    case rollback
  }

  private static func sealRequest(_ query: QueryValues) throws(ServiceError) -> SealRequest {
    try SealRequest(
      seal: try query.choice("seal", of: SealKind.self) ?? .shamir,
      shares: try query.count("shares", within: 1...255) ?? 5,
      threshold: try query.count("threshold", within: 1...255) ?? 3
    )
  }

  private static func action(
    _ name: String,
    _ operation: ServiceOperation,
    by authentication: Route.Authentication = .credential,
    cost: Int = 1,
    _ parameters: [Route.Parameter] = [],
    body: Route.Body = .none,
    response: Route.Response = .json,
    handler:
      @escaping @Sendable (RouteRequest, any AdminOperations) async throws(ServiceError) ->
      Answer
  ) -> Route {
    Route(
      method: .post,
      pattern: "/api/v1/operator/\(name)",
      parameters: parameters,
      body: body,
      response: response,
      authentication: authentication,
      operation: operation,
      deadline: slow,
      cost: cost,
      handler: handler
    )
  }
}
