import KeywardModel
import NIOCore

extension RouteTable {
  static let exportRoutes: [Route] = destinationRoutes + inventoryRoutes + formatRoutes

  private static let destinationRoutes: [Route] = [
    exportRead("/api/v1/destinations", pageParameters, .destinationList) {
      (request, service) throws(ServiceError) in
      let (limit, cursor) = try page(request.query)
      return try .json(
        try await service.listDestinations(request.caller, limit: limit, cursor: cursor)
      )
    },
    exportRead("/api/v1/destinations/{name}", [], .destinationShow) {
      (request, service) throws(ServiceError) in
      try .json(try await service.destination(request.caller, try destinationName(request)))
    },
    exportWrite("/api/v1/destinations/{name}:write", .destinationWrite, takesJSON: true) {
      (request, service) throws(ServiceError) in
      let document = try JSONBody.decode(DestinationDocument.self, request.json)
      return try .json(
        try await service.writeDestination(
          request.caller,
          try destinationName(request),
          document
        )
      )
    },
    exportWrite("/api/v1/destinations/{name}:delete", .destinationDelete) {
      (request, service) throws(ServiceError) in
      try .json(try await service.deleteDestination(request.caller, try destinationName(request)))
    },
  ]

  private static let inventoryRoutes: [Route] = [
    exportRead(
      "/api/v1/exports",
      ["key", "destination", "state", "warnings"].map { Route.Parameter($0) } + pageParameters,
      .exportList
    ) { (request, service) throws(ServiceError) in
      try .json(try await service.listExports(request.caller, try filter(request.query)))
    },
    exportWrite("/api/v1/exports", .exportPrepare, takesJSON: true) {
      (request, service) throws(ServiceError) in
      let wanted = try JSONBody.decode(PrepareExportRequest.self, request.json)
      return try .json(try await service.prepareExport(request.caller, wanted))
    },
    exportRead("/api/v1/exports/{name}", [], .exportShow) {
      (request, service) throws(ServiceError) in
      try .json(try await service.showExport(request.caller, try exportID(request)))
    },
    exportWrite("/api/v1/exports/{name}:complete", .keyCloudExport, takesJSON: true) {
      (request, service) throws(ServiceError) in
      let wanted = try JSONBody.decode(CompleteExportRequest.self, request.json)
      let id = try exportID(request)
      return try .json(try await service.completeExport(request.caller, id, wanted))
    },
    exportWrite("/api/v1/exports/{name}:renew", .exportRenew, takesJSON: true) {
      (request, service) throws(ServiceError) in
      let wanted = try JSONBody.decode(RenewExportRequest.self, request.json)
      let id = try exportID(request)
      return try .json(try await service.renewExport(request.caller, id, wanted))
    },
    exportWrite("/api/v1/exports/{name}:verify", .exportVerify) {
      (request, service) throws(ServiceError) in
      try .json(try await service.verifyExport(request.caller, try exportID(request)))
    },
    exportWrite("/api/v1/exports/{name}:resume", .exportResume) {
      (request, service) throws(ServiceError) in
      try .json(try await service.resumeExport(request.caller, try exportID(request)))
    },
    exportWrite("/api/v1/exports/{name}:retire", .exportRetire) {
      (request, service) throws(ServiceError) in
      try .json(try await service.retireExport(request.caller, try exportID(request)))
    },
  ]

  private static let formatRoutes: [Route] = [
    Route(
      method: .post,
      pattern: "/api/v1/keys/{name}:export",
      parameters: [Route.Parameter("format", isRequired: true), Route.Parameter("version")],
      body: .octets(limit: secretLimit),
      response: .secret,
      authentication: .credential,
      operation: .keyExport,
      deadline: slow
    ) { (request, service) throws(ServiceError) in
      guard let format = try request.query.choice("format", of: ExportKeyRequest.Format.self)
      else {
        throw ServiceError(.invalidRequest, "The query parameter 'format' is missing.")
      }
      let wanted = ExportKeyRequest(
        format: format,
        version: try request.query.count("version", within: 1...Int(Int32.max))
      )
      return .secret(
        try await service.exportKey(
          request.caller,
          try request.keyName(),
          wanted,
          input: try request.secretBody()
        )
      )
    }
  ]

  private static func filter(_ query: QueryValues) throws(ServiceError) -> ExportFilter {
    let (limit, cursor) = try page(query)
    return ExportFilter(
      key: try query.text("key").map { text throws(ServiceError) in try WireText.keyName(text) },
      destination: query.text("destination"),
      state: query.text("state"),
      onlyWarnings: try query.flag("warnings"),
      limit: limit,
      cursor: cursor
    )
  }

  private static func exportID(_ request: RouteRequest) throws(ServiceError) -> ExportID {
    guard let id = ExportID(request.nameText) else {
      throw ServiceError(
        .notFound,
        "There is no such export.",
        remedy: "List them with: keyward export list."
      )
    }
    return id
  }

  private static func destinationName(
    _ request: RouteRequest
  ) throws(ServiceError) -> RegistryName {
    guard let name = RegistryName(request.nameText) else {
      throw ServiceError(
        .invalidRequest,
        "The name of the destination is malformed.",
        remedy: "Use 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit."
      )
    }
    return name
  }

  private static func exportRead(
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

  private static func exportWrite(
    _ pattern: String,
    _ operation: ServiceOperation,
    takesJSON: Bool = false,
    handler: @escaping Route.Handler
  ) -> Route {
    Route(
      method: .post,
      pattern: pattern,
      parameters: [],
      body: takesJSON ? .json(limit: jsonLimit) : .none,
      response: .json,
      authentication: .credential,
      operation: operation,
      deadline: slow,
      handler: handler
    )
  }
}
