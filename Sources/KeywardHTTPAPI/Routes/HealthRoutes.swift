import KeywardModel

extension RouteTable {
  /// The only routes without authentication; none can change anything or shows a name.
  static let healthRoutes: [Route] = [
    health("/livez") { (_, _) throws(ServiceError) in .text("ok\n") },
    health("/readyz") { (_, service) throws(ServiceError) in
      let readiness = await service.readiness()
      return .text(
        readiness.isReady ? "ok\n" : readiness.reason + "\n",
        status: readiness.isReady ? 200 : 503
      )
    },
    health("/metrics") { (request, _) throws(ServiceError) in
      var answer = Answer.text(await request.metrics())
      answer.contentType = "text/plain; version=0.0.4; charset=utf-8"
      return answer
    },
  ]

  private static func health(
    _ pattern: String,
    handler:
      @escaping @Sendable (RouteRequest, any AdminOperations) async throws(ServiceError) ->
      Answer
  ) -> Route {
    Route(
      method: .get,
      pattern: pattern,
      parameters: [],
      body: .none,
      response: .text,
      authentication: .none,
      operation: nil,
      deadline: quick,
      handler: handler
    )
  }
}
