/// What `POST /api/v1/secrets:fetch` takes: all references of a run, for one round trip.
package struct FetchSecretsRequest: Hashable, WireRequest {
  /// At most 1,000, as `kw://payments/db#password`; `kw://payments/db` for all fields.
  package var references: [String]
  /// The environment to look in; without it, that of the caller's identity.
  package var environment: String?
  /// True to say what would be fetched: no value leaves the server.
  package var plan: Bool?
  /// True to give what can be given; otherwise one refusal means that no value is given.
  package var partial: Bool?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case references
    case environment
    case plan
    case partial
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(
    references: [String],
    environment: String? = nil,
    plan: Bool? = nil,
    partial: Bool? = nil
  ) {
    self.references = references
    self.environment = environment
    self.plan = plan
    self.partial = partial
  }
}

/// The head of the answer to a fetch; the values follow it in one frame, in this order.
///
/// The frame is a 4-byte length in network order, this as JSON of so many bytes, and then the bytes
/// of each value that has a length, one after the other, with nothing between or behind them.
package struct FetchSecretsHead: Hashable, Sendable, Codable {
  /// The environment that was looked in.
  package let environment: String
  package let environmentSource: EnvironmentSource
  package let isProduction: Bool
  /// False if something was refused or missing; then there are values only if `partial` asked for
  /// them.
  package let isComplete: Bool
  /// One for each reference, in the order of the request.
  package let results: [SecretResolution]

  enum CodingKeys: String, CodingKey {
    case environment
    case environmentSource = "environment_source"
    case isProduction = "production"
    case isComplete = "complete"
    case results
  }

  package init(
    environment: String,
    environmentSource: EnvironmentSource,
    isProduction: Bool,
    isComplete: Bool,
    results: [SecretResolution]
  ) {
    self.environment = environment
    self.environmentSource = environmentSource
    self.isProduction = isProduction
    self.isComplete = isComplete
    self.results = results
  }

  /// The lengths of the values in the frame, in their order.
  package var lengths: [Int] {
    results.flatMap { result in result.values.compactMap(\.length) }
  }
}

/// Where the environment of a request came from.
package enum EnvironmentSource: String, CaseIterable, Hashable, Sendable, Codable {
  /// The request named it: `--env`.
  case request
  /// The caller's identity has it as an attribute: a claim or a registration.
  case identity
  /// The cluster of the caller's identity belongs to it.
  case cluster
}

/// What became, or would become, of one reference.
package struct SecretResolution: Hashable, Sendable, Codable {
  package enum Outcome: String, CaseIterable, Hashable, Sendable, Codable {
    /// The value is given, or with `plan` would be.
    case allowed
    /// Policy does not allow it; whether the secret exists is not told.
    case forbidden
    /// Policy asks for approvals, which a fetch cannot gather.
    case approvalRequired = "approval_required"
    /// There is no such secret, field or version in the environment and those it inherits from.
    case missing
    /// The version is deleted; `secret undelete` brings it back.
    case deleted
    /// The version is destroyed.
    case destroyed
    /// The version is past its expiry.
    case expired
  }

  package struct Value: Hashable, Sendable, Codable {
    package let field: String
    /// Bytes in the frame; null if the value is not in it.
    package let length: Int?

    package init(field: String, length: Int?) {
      self.field = field
      self.length = length
    }
  }

  /// As it was asked for.
  package let reference: String
  package let outcome: Outcome
  /// What decided, as the audit log spells it; of a refusal, that nothing allowed it or which rule
  /// forbade it.
  package let rule: String
  /// What is wrong, in words; null if nothing is.
  package let message: String?
  /// The environment that has the value: the one asked for, or one that it inherits from.
  ///
  /// Null where nothing was found or nothing may be told, as all that follows.
  package let environment: String?
  package let version: Int?
  package let kind: SecretKind?
  package let createdAt: String?
  package let expiresAt: String?
  /// One for a reference with a field, else all in the order of their names; empty if refused.
  package let values: [Value]

  enum CodingKeys: String, CodingKey {
    case reference
    case outcome
    case rule
    case message
    case environment
    case version
    case kind
    case createdAt = "created_at"
    case expiresAt = "expires_at"
    case values
  }

  package init(
    reference: String,
    outcome: Outcome,
    rule: String,
    message: String? = nil,
    environment: String? = nil,
    version: Int? = nil,
    kind: SecretKind? = nil,
    createdAt: String? = nil,
    expiresAt: String? = nil,
    values: [Value] = []
  ) {
    self.reference = reference
    self.outcome = outcome
    self.rule = rule
    self.message = message
    self.environment = environment
    self.version = version
    self.kind = kind
    self.createdAt = createdAt
    self.expiresAt = expiresAt
    self.values = values
  }
}
