import KeywardModel
import NIOCore

extension RouteTable {
  static let cryptoRoutes: [Route] = [
    use(
      "encrypt",
      .keyEncrypt,
      ["version", "context", "algorithm", "hash"],
      secretLimit,
      brief: { (request, service, reply) throws(ServiceError) in
        let (name, crypto, body) = try parts(request)
        service.encrypt(request.caller, name, crypto, body) { reply($0.map { .octets($0) }) }
      }
    ),
    use(
      "decrypt",
      .keyDecrypt,
      ["version", "context", "algorithm", "hash"],
      ciphertextLimit,
      .secret,
      brief: { (request, service, reply) throws(ServiceError) in
        let (name, crypto, body) = try parts(request)
        service.decrypt(request.caller, name, crypto, body) { reply($0.map { .secret($0) }) }
      }
    ),
    use("wrap", .keyWrap, ["version", "algorithm", "hash"], secretLimit) {
      (request, service) throws(ServiceError) in
      let (name, crypto, body) = try parts(request)
      return .octets(try await service.wrap(request.caller, name, crypto, body))
    },
    use("unwrap", .keyUnwrap, ["version", "algorithm", "hash"], ciphertextLimit, .secret) {
      (request, service) throws(ServiceError) in
      let (name, crypto, body) = try parts(request)
      return .secret(try await service.unwrap(request.caller, name, crypto, body))
    },
    use("sign", .keySign, ["version", "algorithm", "hash", "prehashed"], messageLimit) {
      (request, service) throws(ServiceError) in
      let (name, crypto, body) = try parts(request)
      return .octets(try await service.sign(request.caller, name, crypto, body))
    },
    use(
      "verify",
      .keyVerify,
      ["version", "algorithm", "hash", "prehashed", "signature"],
      messageLimit,
      .json
    ) { (request, service) throws(ServiceError) in
      let (name, crypto, body) = try parts(request)
      return try .json(try await service.verify(request.caller, name, crypto, body))
    },
    use(
      "mac",
      .keyMAC,
      ["version"],
      messageLimit,
      brief: { (request, service, reply) throws(ServiceError) in
        let (name, crypto, body) = try parts(request)
        service.mac(request.caller, name, crypto, body) { reply($0.map { .octets($0) }) }
      }
    ),
    use(
      "mac-verify",
      .keyMACVerify,
      ["version", "signature"],
      messageLimit,
      .json,
      brief: { (request, service, reply) throws(ServiceError) in
        let (name, crypto, body) = try parts(request)
        service.macVerify(request.caller, name, crypto, body) { reply($0.json) }
      }
    ),
    use("rewrap", .keyRewrap, ["version", "context"], ciphertextLimit) {
      (request, service) throws(ServiceError) in
      let (name, crypto, body) = try parts(request)
      return .octets(try await service.rewrap(request.caller, name, crypto, body))
    },
    use("agree", .keyAgree, ["version"], secretLimit, .secret) {
      (request, service) throws(ServiceError) in
      let (name, crypto, body) = try parts(request)
      return .secret(try await service.agree(request.caller, name, crypto, body))
    },
    use("derive", .keyDerive, ["version", "context", "hash", "count"], secretLimit, .secret) {
      (request, service) throws(ServiceError) in
      let (name, crypto, body) = try parts(request)
      return .secret(try await service.derive(request.caller, name, crypto, body))
    },
  ]

  private static func parts(
    _ request: RouteRequest
  ) throws(ServiceError) -> (KeyName, CryptoRequest, SecretBody) {
    let query = request.query
    let crypto = CryptoRequest(
      version: try query.count("version", within: 1...Int(Int32.max)),
      context: try query.bytes("context", limit: contextLimit),
      algorithm: query.text("algorithm"),
      hash: query.text("hash"),
      signature: try query.bytes("signature", limit: 1024),
      prehashed: try query.flag("prehashed"),
      count: try query.count("count", within: 1...8160)
    )
    return (try request.keyName(), crypto, try request.secretBody())
  }

  private static func use(
    _ name: String,
    _ operation: ServiceOperation,
    _ parameters: [String],
    _ limit: Int,
    _ response: Route.Response = .octets,
    brief: @escaping Route.Brief
  ) -> Route {
    use(
      name,
      operation,
      parameters,
      limit,
      response,
      brief: brief,
      handler: Route.waiting(for: brief)
    )
  }

  private static func use(
    _ name: String,
    _ operation: ServiceOperation,
    _ parameters: [String],
    _ limit: Int,
    _ response: Route.Response = .octets,
    brief: Route.Brief? = nil,
    handler: @escaping Route.Handler
  ) -> Route {
    Route(
      method: .post,
      pattern: "/api/v1/keys/{name}:\(name)",
      parameters: parameters.map { Route.Parameter($0, isRequired: $0 == "signature") },
      body: .octets(limit: limit),
      response: response,
      authentication: .credential,
      operation: operation,
      deadline: quick,
      brief: brief,
      handler: handler
    )
  }
}
