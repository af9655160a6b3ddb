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
      importParameters,
      body: .octets(limit: secretLimit)
    ) { (request, service) throws(ServiceError) in
      let name = try request.keyName()
      return try .json(
        try await service.importKey(
          request.caller,
          name,
          try importRequest(request.query, name),
          material: try request.secretBody()
        )
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

  private static let importParameters = [
    Route.Parameter("format", isRequired: true), Route.Parameter("version"),
    Route.Parameter("type"), Route.Parameter("operations"), Route.Parameter("never_exportable"),
    Route.Parameter("deletion_protected"), Route.Parameter("rotation_period"),
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

  private enum VersionWord: String, CaseIterable {
    case new
  }

  /// Without `version=new` a new key is made, and `type` is required.
  private static func importRequest(
    _ query: QueryValues,
    _ name: KeyName
  ) throws(ServiceError) -> ImportRequest {
    guard let format = try query.choice("format", of: ImportRequest.Format.self) else {
      throw ServiceError(.invalidRequest, "The query parameter 'format' is missing.")
    }
    if try query.choice("version", of: VersionWord.self) == .new {
      for other in importParameters.dropFirst(2) where query.text(other.name) != nil {
        throw ServiceError(
          .invalidRequest,
          "The query parameter '\(other.name)' does not go with 'version=new'.",
          remedy: "A new version has the type and limits of its key."
        )
      }
      return ImportRequest(format: format, newKey: nil)
    }
    let operations = query.text("operations").map { text in
      text.isEmpty
        ? [] : text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    let newKey = CreateKeyRequest(
      name: name.description,
      type: try query.requiredText("type"),
      operations: operations,
      neverExportable: query.text("never_exportable") == nil
        ? nil : try query.flag("never_exportable"),
      deletionProtected: query.text("deletion_protected") == nil
        ? nil : try query.flag("deletion_protected"),
      rotationPeriod: try query.number("rotation_period", within: 0...3_153_600_000)
    )
    _ = try newKey.parsed()
    return ImportRequest(format: format, newKey: newKey)
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
