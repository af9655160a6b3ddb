import KeywardModel
import NIOCore

extension RouteTable {
  /// A policy of 4 MiB of text, as JSON.
  package static let policyLimit = 6 << 20

  static let policyRoutes: [Route] = [
    read("/api/v1/policy", [Route.Parameter("revision")], .policyRead) {
      (request, service) throws(ServiceError) in
      let revision = try request.query.number("revision", within: 0...Int64.max)
      return try .json(
        try await service.policy(request.caller, revision: revision.map { UInt64($0) })
      )
    },
    read("/api/v1/policy/revisions", [], .policyRead) { (request, service) throws(ServiceError) in
      try .json(try await service.policyRevisions(request.caller))
    },
    write("/api/v1/policy:apply", .policyApply, body: .json(limit: policyLimit)) {
      (request, service) throws(ServiceError) in
      let wanted = try JSONBody.decode(PolicyApplyRequest.self, request.json)
      return try .json(try await service.applyPolicy(request.caller, wanted))
    },
    write(
      "/api/v1/policy:can-i",
      .selfRead,
      body: .json(limit: jsonLimit),
      brief: { (request, service, reply) throws(ServiceError) in
        let question = try JSONBody.question(request.json)
        service.decide(request.caller, question, explaining: false) {
          reply($0.map { .json($0.json) })
        }
      }
    ),
    write(
      "/api/v1/policy:explain",
      .selfRead,
      body: .json(limit: jsonLimit),
      handler: Route.waiting(for: { (request, service, reply) throws(ServiceError) in
        let question = try JSONBody.decode(DecisionRequest.self, request.json)
        service.decide(request.caller, question, explaining: true) { reply($0.json) }
      })
    ),
    read("/api/v1/approvals", pageParameters, .approvalList) {
      (request, service) throws(ServiceError) in
      let (limit, cursor) = try page(request.query)
      return try .json(
        try await service.listApprovals(request.caller, limit: limit, cursor: cursor)
      )
    },
    read("/api/v1/approvals/{name}", [], .approvalShow) {
      (request, service) throws(ServiceError) in
      try .json(try await service.showApproval(request.caller, try approvalID(request)))
    },
    write("/api/v1/approvals/{name}:approve", .approvalApprove) {
      (request, service) throws(ServiceError) in
      let id = try approvalID(request)
      return try .json(try await service.vote(request.caller, id, isApproval: true))
    },
    write("/api/v1/approvals/{name}:deny", .approvalDeny) {
      (request, service) throws(ServiceError) in
      let id = try approvalID(request)
      return try .json(try await service.vote(request.caller, id, isApproval: false))
    },
  ]

  static let pageParameters = [Route.Parameter("limit"), Route.Parameter("cursor")]

  /// The parameters of a page: at most 1,000 rows, 100 by default.
  static func page(_ query: QueryValues) throws(ServiceError) -> (limit: Int, cursor: String?) {
    let cursor = query.text("cursor")
    guard (cursor?.utf8.count ?? 0) <= 512 else {
      throw ServiceError(.invalidRequest, "The query parameter 'cursor' is too long.")
    }
    return (try query.count("limit", within: 1...1000) ?? 100, cursor)
  }

  private static func approvalID(_ request: RouteRequest) throws(ServiceError) -> ApprovalID {
    guard let id = ApprovalID(request.nameText) else {
      throw ServiceError(
        .notFound,
        "There is no such request for approval.",
        remedy: "List them with: keyward approval list."
      )
    }
    return id
  }

  static func read(
    _ pattern: String,
    _ parameters: [Route.Parameter],
    _ operation: ServiceOperation,
    handler: @escaping Route.Handler
  ) -> Route {
    Route(
      method: .get,
      pattern: pattern,
      parameters: parameters,
      body: .none,
      response: .json,
      authentication: .credential,
      operation: operation,
      deadline: quick,
      handler: handler
    )
  }

  static func write(
    _ pattern: String,
    _ operation: ServiceOperation,
    _ parameters: [Route.Parameter] = [],
    body: Route.Body = .none,
    brief: @escaping Route.Brief
  ) -> Route {
    write(
      pattern,
      operation,
      parameters,
      body: body,
      brief: brief,
      handler: Route.waiting(for: brief)
    )
  }

  static func write(
    _ pattern: String,
    _ operation: ServiceOperation,
    _ parameters: [Route.Parameter] = [],
    body: Route.Body = .none,
    brief: Route.Brief? = nil,
    handler: @escaping Route.Handler
  ) -> Route {
    Route(
      method: .post,
      pattern: pattern,
      parameters: parameters,
      body: body,
      response: .json,
      authentication: .credential,
      operation: operation,
      deadline: slow,
      brief: brief,
      handler: handler
    )
  }
}
