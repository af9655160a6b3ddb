import KeywardModel
import NIOCore

extension RouteTable {
  static let keyRoutes: [Route] = [
    Route(
      method: .get,
      pattern: "/api/v1/keys",
      parameters: ["prefix", "limit", "cursor", "deleted"].map { Route.Parameter($0) },
      body: .none,
      response: .json,
      authentication: .credential,
      operation: .keyList,
      deadline: quick
    ) { (request, service) throws(ServiceError) in
      try .json(try await service.listKeys(request.caller, try keyQuery(request.query)))
    },
    Route(
      method: .post,
      pattern: "/api/v1/keys",
      parameters: [],
      body: .json(limit: jsonLimit),
      response: .json,
      authentication: .credential,
      operation: .keyCreate,
      deadline: slow,
      success: 201
    ) { (request, service) throws(ServiceError) in
      let wanted = try JSONBody.decode(CreateKeyRequest.self, request.json)
      return try .json(try await service.createKey(request.caller, wanted), status: 201)
    },
    Route(
      method: .get,
      pattern: "/api/v1/keys/{name}",
      parameters: [],
      body: .none,
      response: .json,
      authentication: .credential,
      operation: .keyShow,
      deadline: quick
    ) { (request, service) throws(ServiceError) in
      try .json(try await service.showKey(request.caller, try request.keyName()))
    },
    change(
      "import",
      .keyImport,
      ImportRequest.parameters,
      body: .octets(limit: secretLimit)
    ) { (request, service) throws(ServiceError) in
      let name = try request.keyName()
      return try .json(
        try await service.importKey(
          request.caller,
          name,
          try ImportRequest(request.query, name),
          material: try request.secretBody()
        )
      )
    },
    change("wrapping-key", .keyImport, body: .json(limit: jsonLimit)) {
      (request, service) throws(ServiceError) in
      let name = try request.keyName()
      let wanted = try JSONBody.decode(WrappingKeyRequest.self, request.json)
      return try .json(try await service.makeWrappingKey(request.caller, name, wanted))
    },
    change(
      "discard-wrapping-key",
      .keyDiscardWrappingKey,
      [Route.Parameter("wrapping_key", isRequired: true)]
    ) { (request, service) throws(ServiceError) in
      let id = try ImportRequest.wrappingKeyID(request.query.requiredText("wrapping_key"))
      return try .json(
        try await service.discardWrappingKey(request.caller, try request.keyName(), id)
      )
    },
    change("rotate", .keyRotate) { (request, service) throws(ServiceError) in
      try .json(try await service.rotateKey(request.caller, try request.keyName()))
    },
    change("update", .keyUpdate, body: .json(limit: jsonLimit)) {
      (request, service) throws(ServiceError) in
      let name = try request.keyName()
      let wanted = try JSONBody.decode(UpdateKeyRequest.self, request.json)
      return try .json(try await service.updateKey(request.caller, name, wanted))
    },
    change(
      "state",
      .keyState,
      [Route.Parameter("version", isRequired: true), Route.Parameter("to", isRequired: true)]
    ) { (request, service) throws(ServiceError) in
      let version = try request.query.count("version", within: 1...Int(Int32.max))
      return try .json(
        try await service.setKeyState(
          request.caller,
          try request.keyName(),
          version: version ?? 1,
          to: try WireText.state(try request.query.requiredText("to"))
        )
      )
    },
    change("destroy", .keyDestroy, [Route.Parameter("version"), Route.Parameter("after")]) {
      (request, service) throws(ServiceError) in
      try .json(
        try await service.destroyKey(
          request.caller,
          try request.keyName(),
          version: try request.query.count("version", within: 1...Int(Int32.max)),
          after: try request.query.number("after", within: 0...31_536_000)
        )
      )
    },
    change("undestroy", .keyUndestroy, [Route.Parameter("version")]) {
      (request, service) throws(ServiceError) in
      try .json(
        try await service.undestroyKey(
          request.caller,
          try request.keyName(),
          version: try request.query.count("version", within: 1...Int(Int32.max))
        )
      )
    },
  ]

  private static func keyQuery(_ query: QueryValues) throws(ServiceError) -> KeyQuery {
    let prefix = query.text("prefix") ?? ""
    let cursor = query.text("cursor")
    guard prefix.utf8.count <= 200, (cursor?.utf8.count ?? 0) <= 512 else {
      throw ServiceError(.invalidRequest, "The query parameter 'prefix' or 'cursor' is too long.")
    }
    return KeyQuery(
      prefix: prefix,
      limit: try query.count("limit", within: 1...1000) ?? 100,
      cursor: cursor,
      includesDeleted: try query.flag("deleted")
    )
  }

  private static func change(
    _ name: String,
    _ operation: ServiceOperation,
    _ parameters: [Route.Parameter] = [],
    body: Route.Body = .none,
    handler:
      @escaping @Sendable (RouteRequest, any AdminOperations) async throws(ServiceError) ->
      Answer
  ) -> Route {
    Route(
      method: .post,
      pattern: "/api/v1/keys/{name}:\(name)",
      parameters: parameters,
      body: body,
      response: .json,
      authentication: .credential,
      operation: operation,
      deadline: slow,
      handler: handler
    )
  }
}
