/// A machine role as the API takes and shows it: an identity for a system that has none of its own.
package struct MachineRoleDocument: Hashable, WireRequest {
  package var name: String?
  /// Made by the server; not a secret, and not enough to log in.
  package var roleID: String?
  package var environment: String?
  /// The networks that logins may come from; without them every network.
  package var networks: [String]?
  /// Seconds that a token of the role lives unless it is renewed.
  package var tokenTTL: Int64?
  /// Seconds after which a token of the role ends in any case.
  package var tokenMaximumTTL: Int64?
  /// How often a token of the role can be used; without it as often as one likes.
  package var tokenUses: Int64?
  /// Seconds that a secret id of the role lives.
  package var secretIDTTL: Int64?
  /// How often a secret id of the role can be used; without it as often as one likes.
  package var secretIDUses: Int64?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name
    case roleID = "role_id"
    case environment
    case networks
    case tokenTTL = "token_ttl"
    case tokenMaximumTTL = "token_maximum_ttl"
    case tokenUses = "token_uses"
    case secretIDTTL = "secret_id_ttl"
    case secretIDUses = "secret_id_uses"
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(
    name: String? = nil,
    roleID: String? = nil,
    environment: String? = nil,
    networks: [String]? = nil,
    tokenTTL: Int64? = nil,
    tokenMaximumTTL: Int64? = nil,
    tokenUses: Int64? = nil,
    secretIDTTL: Int64? = nil,
    secretIDUses: Int64? = nil
  ) {
    self.name = name
    self.roleID = roleID
    self.environment = environment
    self.networks = networks
    self.tokenTTL = tokenTTL
    self.tokenMaximumTTL = tokenMaximumTTL
    self.tokenUses = tokenUses
    self.secretIDTTL = secretIDTTL
    self.secretIDUses = secretIDUses
  }
}

/// A secret id as the API shows it: all but the secret, which is shown once.
package struct SecretIDInfo: Hashable, Sendable, Codable {
  /// The public name by which it can be revoked.
  package let accessor: String
  package let role: String
  package let createdAt: String
  package let expiresAt: String
  /// Null when it can be used as often as one likes.
  package let usesLeft: Int64?
  package let networks: [String]

  enum CodingKeys: String, CodingKey {
    case accessor
    case role
    case createdAt = "created_at"
    case expiresAt = "expires_at"
    case usesLeft = "uses_left"
    case networks
  }

  package init(
    accessor: String,
    role: String,
    createdAt: String,
    expiresAt: String,
    usesLeft: Int64?,
    networks: [String]
  ) {
    self.accessor = accessor
    self.role = role
    self.createdAt = createdAt
    self.expiresAt = expiresAt
    self.usesLeft = usesLeft
    self.networks = networks
  }
}

/// An identity as the API shows it.
package struct PrincipalInfo: Hashable, Sendable, Codable {
  package let kind: Principal.Kind
  package let issuer: String
  package let name: String
  package let cluster: String?
  package let environment: String?
  package let claims: [String: String]

  package init(_ principal: Principal) {
    kind = principal.kind
    issuer = principal.issuer
    name = principal.name
    cluster = principal.cluster
    environment = principal.environment
    claims = principal.claims
  }
}

/// What an access token shall be, in `POST /api/v1/auth/tokens`; what is left out takes a default.
package struct TokenRequest: Hashable, WireRequest {
  /// The name of the identity, for a token that does not stand for its maker.
  package var name: String?
  package var environment: String?
  /// Seconds; at least 1.
  package var ttl: Int64?
  /// Seconds from now after which no renewal reaches.
  package var maximumTTL: Int64?
  /// How often it can be used; at least 1.
  package var uses: Int64?
  package var renewable: Bool?
  /// The networks that it may be used from.
  package var networks: [String]?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name
    case environment
    case ttl
    case maximumTTL = "maximum_ttl"
    case uses
    case renewable
    case networks
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(
    name: String? = nil,
    environment: String? = nil,
    ttl: Int64? = nil,
    maximumTTL: Int64? = nil,
    uses: Int64? = nil,
    renewable: Bool? = nil,
    networks: [String]? = nil
  ) {
    self.name = name
    self.environment = environment
    self.ttl = ttl
    self.maximumTTL = maximumTTL
    self.uses = uses
    self.renewable = renewable
    self.networks = networks
  }
}

/// An access token as the API shows it: all but the token, which is shown once.
package struct TokenInfo: Hashable, Sendable, Codable {
  package let accessor: String
  package let principal: PrincipalInfo
  package let createdAt: String
  package let expiresAt: String
  /// The moment that no renewal passes.
  package let maximumExpiresAt: String
  package let renewable: Bool
  /// Null when it can be used as often as one likes.
  package let usesLeft: Int64?
  package let networks: [String]
  /// SHA-256 of the client certificate that it belongs to, hexadecimal; null for none.
  package let certificateSHA256: String?

  enum CodingKeys: String, CodingKey {
    case accessor
    case principal
    case createdAt = "created_at"
    case expiresAt = "expires_at"
    case maximumExpiresAt = "maximum_expires_at"
    case renewable
    case usesLeft = "uses_left"
    case networks
    case certificateSHA256 = "certificate_sha256"
  }

  package init(
    accessor: String,
    principal: PrincipalInfo,
    createdAt: String,
    expiresAt: String,
    maximumExpiresAt: String,
    renewable: Bool,
    usesLeft: Int64?,
    networks: [String],
    certificateSHA256: String?
  ) {
    self.accessor = accessor
    self.principal = principal
    self.createdAt = createdAt
    self.expiresAt = expiresAt
    self.maximumExpiresAt = maximumExpiresAt
    self.renewable = renewable
    self.usesLeft = usesLeft
    self.networks = networks
    self.certificateSHA256 = certificateSHA256
  }
}
