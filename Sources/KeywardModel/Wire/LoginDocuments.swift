/// The body of `POST /api/v1/auth/login`.
package struct LoginRequest: Hashable, WireRequest {
  package enum Method: String, Sendable, Codable, CaseIterable {
    /// A JWT of a registered issuer, in `jwt`.
    case jwt
    /// The client certificate of the connection.
    case certificate
    /// A machine role, by `role_id` and `secret_id`.
    case role
  }

  package var method: Method
  package var jwt: String?
  package var roleID: String?
  package var secretID: String?
  /// Seconds that the token is to live; at most what its issuer gives.
  package var ttl: Int64?

  package enum CodingKeys: String, CodingKey, CaseIterable {
    case method
    case jwt
    case roleID = "role_id"
    case secretID = "secret_id"
    case ttl
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(
    method: Method,
    jwt: String? = nil,
    roleID: String? = nil,
    secretID: String? = nil,
    ttl: Int64? = nil
  ) {
    self.method = method
    self.jwt = jwt
    self.roleID = roleID
    self.secretID = secretID
    self.ttl = ttl
  }
}

/// A token with what there is to know of it: the one time that it is shown.
package struct IssuedToken: Hashable, Sendable, Codable {
  package let token: String
  package let info: TokenInfo

  package init(token: String, info: TokenInfo) {
    self.token = token
    self.info = info
  }
}

/// A secret id: the one time that it is shown.
package struct IssuedSecretID: Hashable, Sendable, Codable {
  package let roleID: String
  package let secretID: String
  package let info: SecretIDInfo

  enum CodingKeys: String, CodingKey {
    case roleID = "role_id"
    case secretID = "secret_id"
    case info
  }

  package init(roleID: String, secretID: String, info: SecretIDInfo) {
    self.roleID = roleID
    self.secretID = secretID
    self.info = info
  }
}

/// Who the server takes the caller for.
package struct OwnIdentity: Hashable, Sendable, Codable {
  package let principal: PrincipalInfo
  /// The token that the request carried; null without one.
  package let token: TokenInfo?
  /// The door: `admin` or `https`.
  package let transport: String
  package let address: String?

  package init(
    principal: PrincipalInfo,
    token: TokenInfo?,
    transport: String,
    address: String?
  ) {
    self.principal = principal
    self.token = token
    self.transport = transport
    self.address = address
  }
}

/// A page of access tokens in the order of their accessors.
package struct TokenPage: Hashable, Sendable, Codable {
  package let tokens: [TokenInfo]
  package let nextCursor: String?

  enum CodingKeys: String, CodingKey {
    case tokens
    case nextCursor = "next_cursor"
  }

  package init(tokens: [TokenInfo], nextCursor: String?) {
    self.tokens = tokens
    self.nextCursor = nextCursor
  }
}

/// The names of registry records of one kind, in order.
package struct RegistryPage: Hashable, Sendable, Codable {
  package let names: [String]
  package let nextCursor: String?

  enum CodingKeys: String, CodingKey {
    case names
    case nextCursor = "next_cursor"
  }

  package init(names: [String], nextCursor: String?) {
    self.names = names
    self.nextCursor = nextCursor
  }
}

/// The secret ids of a machine role.
package struct SecretIDPage: Hashable, Sendable, Codable {
  package let secretIDs: [SecretIDInfo]

  enum CodingKeys: String, CodingKey {
    case secretIDs = "secret_ids"
  }

  package init(secretIDs: [SecretIDInfo]) {
    self.secretIDs = secretIDs
  }
}
