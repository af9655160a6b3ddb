import KeywardModel

extension RouteTable {
  /// Health, figures and version; none can change anything or shows a name.
  static let healthRoutes: [Route] = [
    health("/livez") { (_, _) throws(ServiceError) in .text("ok\n") },
    health("/readyz") { (_, service) throws(ServiceError) in
      let readiness = await service.readiness()
      return .text(
        readiness.isReady ? "ok\n" : readiness.reason + "\n",
        status: readiness.isReady ? 200 : 503
      )
    },
    Route(
      method: .get,
      pattern: "/metrics",
      parameters: [],
      body: .none,
      response: .text,
      authentication: .credential,
      operation: .operatorStatus,
      deadline: quick
    ) { (request, service) throws(ServiceError) in
      try await service.authorizeFigures(request.caller)
      var answer = Answer.text(await request.shared.figures())
      answer.contentType = "text/plain; version=0.0.4; charset=utf-8"
      return answer
    },
    health("/api/v1/version", .json) { (_, service) throws(ServiceError) in
      try .json(VersionInfo(version: service.version))
    },
  ]

  private static func health(
    _ pattern: String,
    _ response: Route.Response = .text,
    handler: @escaping Route.Handler
  ) -> Route {
    Route(
      method: .get,
      pattern: pattern,
      parameters: [],
      body: .none,
      response: response,
      authentication: .none,
      operation: nil,
      deadline: quick,
      handler: handler
    )
  }
}
