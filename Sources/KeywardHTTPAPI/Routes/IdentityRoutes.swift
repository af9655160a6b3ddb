import KeywardModel
import NIOCore

extension RouteTable {
  static let identityRoutes: [Route] =
    ownRoutes + tokenRoutes + clusterRoutes + issuerRoutes + authorityRoutes + roleRoutes
    + secretIDRoutes

  private static let clusterRoutes = registryRoutes(
    .clusters,
    ClusterDocument.self,
    read: { (service, caller, name) throws(ServiceError) in
      try await service.cluster(caller, name)
    },
    write: { (service, caller, name, document) throws(ServiceError) in
      try await service.writeCluster(caller, name, document)
    }
  )

  private static let issuerRoutes = registryRoutes(
    .issuers,
    IssuerDocument.self,
    read: { (service, caller, name) throws(ServiceError) in
      try await service.issuer(caller, name)
    },
    write: { (service, caller, name, document) throws(ServiceError) in
      try await service.writeIssuer(caller, name, document)
    }
  )

  private static let authorityRoutes = registryRoutes(
    .authorities,
    AuthorityDocument.self,
    read: { (service, caller, name) throws(ServiceError) in
      try await service.authority(caller, name)
    },
    write: { (service, caller, name, document) throws(ServiceError) in
      try await service.writeAuthority(caller, name, document)
    }
  )

  private static let roleRoutes = registryRoutes(
    .roles,
    MachineRoleDocument.self,
    read: { (service, caller, name) throws(ServiceError) in
      try await service.role(caller, name)
    },
    write: { (service, caller, name, document) throws(ServiceError) in
      try await service.writeRole(caller, name, document)
    }
  )

  private static let ownRoutes: [Route] = [
    Route(
      method: .post,
      pattern: "/api/v1/auth/login",
      parameters: [],
      body: .json(limit: jsonLimit),
      response: .json,
      authentication: .none,
      operation: .authLogin,
      deadline: slow
    ) { (request, service) throws(ServiceError) in
      let wanted = try JSONBody.decode(LoginRequest.self, request.json)
      return try .json(try await service.login(request.caller, wanted, peer: request.peer))
    },
    read("/api/v1/auth/self", [], .selfRead) { (request, service) throws(ServiceError) in
      try .json(try await service.whoAmI(request.caller))
    },
    write("/api/v1/auth/self:renew", .selfRenew, [Route.Parameter("increment")]) {
      (request, service) throws(ServiceError) in
      let increment = try request.query.number("increment", within: 1...longestTTL)
      return try .json(try await service.renewOwnToken(request.caller, increment: increment))
    },
    write("/api/v1/auth/self:revoke", .selfRevoke) { (request, service) throws(ServiceError) in
      try .json(try await service.revokeOwnToken(request.caller))
    },
  ]

  private static let tokenRoutes: [Route] = [
    read("/api/v1/auth/tokens", pageParameters, .tokenList) {
      (request, service) throws(ServiceError) in
      let (limit, cursor) = try page(request.query)
      return try .json(
        try await service.listTokens(request.caller, limit: limit, cursor: cursor)
      )
    },
    write("/api/v1/auth/tokens", .tokenCreate, body: .json(limit: jsonLimit)) {
      (request, service) throws(ServiceError) in
      let wanted = try JSONBody.decode(TokenRequest.self, request.json)
      // 200, not 201: an answer that has a secret is never kept for a repetition.
      return try .json(try await service.createToken(request.caller, wanted))
    },
    read("/api/v1/auth/tokens/{name}", [], .tokenShow) {
      (request, service) throws(ServiceError) in
      try .json(try await service.showToken(request.caller, accessor: request.nameText))
    },
    write("/api/v1/auth/tokens/{name}:renew", .tokenRenew, [Route.Parameter("increment")]) {
      (request, service) throws(ServiceError) in
      let increment = try request.query.number("increment", within: 1...longestTTL)
      return try .json(
        try await service.renewToken(
          request.caller,
          accessor: request.nameText,
          increment: increment
        )
      )
    },
    write("/api/v1/auth/tokens/{name}:revoke", .tokenRevoke) {
      (request, service) throws(ServiceError) in
      try .json(try await service.revokeToken(request.caller, accessor: request.nameText))
    },
  ]

  private static let secretIDRoutes: [Route] = [
    write(
      "/api/v1/auth/roles/{name}:secret-id",
      .authSecretID,
      [Route.Parameter("networks")]
    ) { (request, service) throws(ServiceError) in
      let networks = request.query.text("networks").map { text in
        text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      }
      return try .json(
        try await service.createSecretID(
          request.caller,
          try registryName(request),
          networks: networks ?? []
        )
      )
    },
    read("/api/v1/auth/roles/{name}:secret-ids", [], .authShow) {
      (request, service) throws(ServiceError) in
      try .json(try await service.listSecretIDs(request.caller, try registryName(request)))
    },
    write(
      "/api/v1/auth/roles/{name}:revoke-secret-id",
      .authSecretID,
      [Route.Parameter("accessor", isRequired: true)]
    ) { (request, service) throws(ServiceError) in
      try .json(
        try await service.revokeSecretID(
          request.caller,
          try registryName(request),
          accessor: try request.query.requiredText("accessor")
        )
      )
    },
  ]

  /// The routes of one kind of record: list, show, write and delete.
  private static func registryRoutes<Document: WireRequest & Encodable>(
    _ kind: RegistryKind,
    _ type: Document.Type,
    read show:
      @escaping @Sendable (any AdminOperations, Caller, RegistryName) async throws(ServiceError) ->
      Document,
    write change:
      @escaping @Sendable (
        any AdminOperations, Caller, RegistryName, Document
      ) async throws(ServiceError) -> Document
  ) -> [Route] {
    let path = "/api/v1/auth/\(kind.rawValue)"
    return [
      read(path, pageParameters, .authList) { (request, service) throws(ServiceError) in
        let (limit, cursor) = try page(request.query)
        return try .json(
          try await service.listRegistry(request.caller, kind, limit: limit, cursor: cursor)
        )
      },
      read("\(path)/{name}", [], .authShow) { (request, service) throws(ServiceError) in
        try .json(try await show(service, request.caller, try registryName(request)))
      },
      write("\(path)/{name}:write", .authWrite, body: .json(limit: 1 << 20)) {
        (request, service) throws(ServiceError) in
        let name = try registryName(request)
        let document = try JSONBody.decode(type, request.json)
        return try .json(try await change(service, request.caller, name, document))
      },
      write("\(path)/{name}:delete", .authDelete) { (request, service) throws(ServiceError) in
        let name = try registryName(request)
        return try .json(try await service.deleteRegistered(request.caller, kind, name))
      },
    ]
  }

  private static let longestTTL: Int64 = 366 * 86_400

  private static func registryName(_ request: RouteRequest) throws(ServiceError) -> RegistryName {
    guard let name = RegistryName(request.nameText) else {
      throw ServiceError(
        .invalidRequest,
        "The name is not one segment of 1 to 64 of the characters a-z, 0-9, '.', '_' and '-'."
      )
    }
    return name
  }
}
