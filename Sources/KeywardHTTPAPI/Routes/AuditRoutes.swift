import KeywardModel
import NIOCore

extension RouteTable {
  static let auditRoutes: [Route] = [
    read("", .auditRead, ["from", "limit"]) { (request, service) throws(ServiceError) in
      try .json(
        try await service.auditEntries(
          request.caller,
          from: try index("from", request.query) ?? 0,
          limit: try request.query.count("limit", within: 1...1000) ?? 100
        )
      )
    },
    read("/checkpoint", .auditRead, []) { (request, service) throws(ServiceError) in
      try .json(try await service.auditCheckpoint(request.caller))
    },
    read("/proof", .auditRead, ["index", "size"], required: "index") {
      (request, service) throws(ServiceError) in
      try .json(
        try await service.auditProof(
          request.caller,
          index: try index("index", request.query) ?? 0,
          size: try index("size", request.query)
        )
      )
    },
    read("/consistency", .auditRead, ["from", "to"], required: "from") {
      (request, service) throws(ServiceError) in
      try .json(
        try await service.auditConsistency(
          request.caller,
          from: try index("from", request.query) ?? 0,
          to: try index("to", request.query)
        )
      )
    },
    read("/export", .auditExport, [], .stream) { (request, service) throws(ServiceError) in
      .stream(try await service.exportAudit(request.caller))
    },
  ]

  private static func index(_ name: String, _ query: QueryValues) throws(ServiceError) -> UInt64? {
    try query.number(name, within: 0...Int64.max).map { UInt64($0) }
  }

  private static func read(
    _ path: String,
    _ operation: ServiceOperation,
    _ parameters: [String],
    required: String? = nil,
    _ response: Route.Response = .json,
    handler:
      @escaping @Sendable (RouteRequest, any AdminOperations) async throws(ServiceError) ->
      Answer
  ) -> Route {
    Route(
      method: .get,
      pattern: "/api/v1/audit\(path)",
      parameters: parameters.map { Route.Parameter($0, isRequired: $0 == required) },
      body: .none,
      response: response,
      authentication: .credential,
      operation: operation,
      deadline: slow,
      handler: handler
    )
  }
}
