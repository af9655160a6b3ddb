import KeywardCrypto
import KeywardModel
import NIOCore

extension RouteTable {
  /// 1,000 references as JSON.
  package static let fetchLimit = 512 << 10
  /// The head of a write; the values have their own limit.
  static let putHeadLimit = 64 << 10
  package static let putLimit = 4 + putHeadLimit + SecretLimits.versionBytes

  static let environmentRoutes: [Route] = [
    read("/api/v1/environments", [], .environmentList) {
      (request, service) throws(ServiceError) in
      try .json(try await service.listEnvironments(request.caller))
    },
    read("/api/v1/environments/{name}", [], .environmentShow) {
      (request, service) throws(ServiceError) in
      let name = try WireText.environmentName(request.nameText)
      return try .json(try await service.environment(request.caller, name))
    },
    write("/api/v1/environments/{name}:write", .environmentWrite, body: .json(limit: jsonLimit)) {
      (request, service) throws(ServiceError) in
      let name = try WireText.environmentName(request.nameText)
      let document = try JSONBody.decode(EnvironmentDocument.self, request.json)
      return try .json(try await service.writeEnvironment(request.caller, name, document))
    },
    write("/api/v1/environments/{name}:delete", .environmentDelete) {
      (request, service) throws(ServiceError) in
      let name = try WireText.environmentName(request.nameText)
      return try .json(try await service.deleteEnvironment(request.caller, name))
    },
  ]

  static let secretRoutes: [Route] = [
    read("/api/v1/secrets", listingParameters, .secretList) {
      (request, service) throws(ServiceError) in
      try .json(try await service.listSecrets(request.caller, try listing(request.query)))
    },
    Route(
      method: .post,
      pattern: "/api/v1/secrets:fetch",
      parameters: [],
      body: .json(limit: fetchLimit),
      response: .secret,
      authentication: .credential,
      operation: .secretRead,
      deadline: quick
    ) { (request, service) throws(ServiceError) in
      let wanted = try JSONBody.decode(FetchSecretsRequest.self, request.json)
      return try answer(try await service.fetchSecrets(request.caller, wanted))
    },
    write("/api/v1/bundles:report", .bundleReport, body: .json(limit: fetchLimit)) {
      (request, service) throws(ServiceError) in
      let report = try JSONBody.decode(ReportOpeningsRequest.self, request.json)
      return try .json(try await service.reportOpenings(request.caller, report))
    },
    read(
      "/api/v1/secrets:diff",
      [
        Route.Parameter("from", isRequired: true), Route.Parameter("to", isRequired: true),
        Route.Parameter("project"),
      ],
      .secretList
    ) { (request, service) throws(ServiceError) in
      try .json(
        try await service.compareSecrets(
          request.caller,
          from: try WireText.environmentName(try request.query.requiredText("from")),
          to: try WireText.environmentName(try request.query.requiredText("to")),
          project: request.query.text("project")
        )
      )
    },
    read(
      "/api/v1/secrets:report",
      ["environment", "unused_for", "older_than"].map { Route.Parameter($0) },
      .secretList
    ) { (request, service) throws(ServiceError) in
      let seconds: ClosedRange<Int64> = 0...3_153_600_000
      return try .json(
        try await service.reportSecrets(
          request.caller,
          environment: try environment(request.query),
          unusedFor: try request.query.number("unused_for", within: seconds) ?? 90 * 86_400,
          olderThan: try request.query.number("older_than", within: seconds) ?? 365 * 86_400
        )
      )
    },
    read("/api/v1/secrets/{name}", [Route.Parameter("environment")], .secretShow) {
      (request, service) throws(ServiceError) in
      try .json(
        try await service.showSecret(
          request.caller,
          try WireText.secretName(request.nameText),
          environment: request.query.text("environment")
        )
      )
    },
    Route(
      method: .post,
      pattern: "/api/v1/secrets/{name}:read",
      parameters: ["environment", "version", "field"].map { Route.Parameter($0) },
      body: .none,
      response: .secret,
      authentication: .credential,
      operation: .secretRead,
      deadline: quick
    ) { (request, service) throws(ServiceError) in
      let reference = SecretReference(
        try WireText.secretName(request.nameText),
        version: try request.query.count("version", within: 1...Int(Int32.max)),
        field: try request.query.text("field").map { text throws(ServiceError) in
          try WireText.fieldName(text)
        }
      )
      return try answer(
        try await service.readSecret(
          request.caller,
          reference,
          environment: request.query.text("environment")
        )
      )
    },
    write("/api/v1/secrets/{name}:put", .secretWrite, body: .octets(limit: putLimit)) {
      (request, service) throws(ServiceError) in
      let name = try WireText.secretName(request.nameText)
      let (wanted, values) = try putParts(try request.secretBody())
      return try .json(
        try await service.putSecret(request.caller, name, wanted, values: values)
      )
    },
    change("rollback", .secretWrite, SecretVersionsRequest.self) {
      (service, caller, name, wanted) throws(ServiceError) in
      try .json(try await service.rollbackSecret(caller, name, wanted))
    },
    change("promote", .secretWrite, PromoteSecretRequest.self) {
      (service, caller, name, wanted) throws(ServiceError) in
      try .json(try await service.promoteSecret(caller, name, wanted))
    },
    change("delete", .secretDelete, SecretVersionsRequest.self) {
      (service, caller, name, wanted) throws(ServiceError) in
      try .json(try await service.deleteSecret(caller, name, wanted))
    },
    change("undelete", .secretUndelete, SecretVersionsRequest.self) {
      (service, caller, name, wanted) throws(ServiceError) in
      try .json(try await service.undeleteSecret(caller, name, wanted))
    },
    change("destroy", .secretDestroy, SecretVersionsRequest.self) {
      (service, caller, name, wanted) throws(ServiceError) in
      try .json(try await service.destroySecret(caller, name, wanted))
    },
  ]

  // MARK: - Steps

  private static let listingParameters =
    ["environment", "project", "search", "limit", "cursor", "gone"].map { Route.Parameter($0) }

  private static func listing(_ query: QueryValues) throws(ServiceError) -> SecretListing {
    let (limit, cursor) = try page(query)
    guard (query.text("search")?.utf8.count ?? 0) <= 200 else {
      throw ServiceError(.invalidRequest, "The query parameter 'search' is too long.")
    }
    return SecretListing(
      environment: try environment(query),
      project: query.text("project"),
      search: query.text("search"),
      limit: limit,
      cursor: cursor,
      includesGone: try query.flag("gone")
    )
  }

  private static func environment(_ query: QueryValues) throws(ServiceError) -> EnvironmentName? {
    guard let text = query.text("environment") else { return nil }
    return try WireText.environmentName(text)
  }

  /// The head and the values of a write.
  private static func putParts(
    _ body: SecretBody
  ) throws(ServiceError) -> (PutSecretRequest, [SecretBody]) {
    let head: [UInt8]
    do {
      head = try SecretFrame.head(of: body.bytes, limit: putHeadLimit)
    } catch {
      throw ServiceError(
        .invalidRequest,
        "The body is no frame: a 4-byte length, a head of JSON, then the values."
      )
    }
    let wanted = try JSONBody.decode(PutSecretRequest.self, head)
    do throws(CryptoError) {
      let values = try SecretFrame.values(
        of: body.bytes,
        headCount: head.count,
        lengths: wanted.fields.map(\.length)
      )
      return (wanted, values)
    } catch .outOfSecureMemory {
      throw ServiceError(.unavailable, "The server has no locked memory left for the request.")
    } catch {
      throw ServiceError(
        .invalidRequest,
        "The values are not as long together as the lengths in 'fields' say."
      )
    }
  }

  private static func answer(_ parcel: SecretParcel) throws(ServiceError) -> Answer {
    let head = try JSONBody.encode(parcel.head)
    do {
      return .secret(SecretBody(try SecretFrame.write(head: head, values: parcel.values)))
    } catch {
      throw ServiceError(.unavailable, "The server has no locked memory left for the answer.")
    }
  }

  private static func change<Wanted: WireRequest>(
    _ verb: String,
    _ operation: ServiceOperation,
    _ type: Wanted.Type,
    _ act:
      @escaping @Sendable (any AdminOperations, Caller, SecretName, Wanted)
      async throws(ServiceError) -> Answer
  ) -> Route {
    write("/api/v1/secrets/{name}:\(verb)", operation, body: .json(limit: jsonLimit)) {
      (request, service) throws(ServiceError) in
      let name = try WireText.secretName(request.nameText)
      let wanted = try JSONBody.decode(Wanted.self, request.json)
      return try await act(service, request.caller, name, wanted)
    }
  }
}
