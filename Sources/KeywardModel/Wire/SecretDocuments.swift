/// A secret as the API shows it: everything but the values.
package struct SecretInfo: Hashable, Sendable, Codable {
  package let name: String
  /// The environment that has it; with inheritance not always the one that was asked for.
  package let environment: String
  package let kind: SecretKind
  package let metadata: [String: String]
  package let createdAt: String
  /// The number of the newest version that ever was; what check-and-set compares with.
  package let latestVersion: Int
  package let mostVersions: Int
  /// Ascending; in pages and after a write only the newest.
  package let versions: [SecretVersionInfo]

  enum CodingKeys: String, CodingKey {
    case name
    case environment
    case kind
    case metadata
    case createdAt = "created_at"
    case latestVersion = "latest_version"
    case mostVersions = "max_versions"
    case versions
  }

  package init(_ secret: Secret, at now: Timestamp, uses: [Int: [SecretUseInfo]]? = nil) {
    name = secret.name.description
    environment = secret.environment.description
    kind = secret.kind
    metadata = secret.metadata
    createdAt = secret.createdAt.rfc3339
    latestVersion = secret.latest
    mostVersions = secret.mostVersions
    let shown = uses == nil ? Array(secret.versions.suffix(1)) : secret.versions
    versions = shown.map { SecretVersionInfo($0, at: now, uses: uses?[$0.number] ?? []) }
  }
}

/// One version of a secret as the API shows it.
package struct SecretVersionInfo: Hashable, Sendable, Codable {
  package let version: Int
  package let state: SecretVersion.State
  package let kind: SecretKind
  package let origin: SecretVersion.Origin
  package let author: String
  package let createdAt: String
  package let expiresAt: String?
  package let deletedAt: String?
  package let destroyedAt: String?
  package let fields: [SecretFieldInfo]
  /// Who read it last, the last one first; kept for at most 16 principals.
  package let uses: [SecretUseInfo]

  enum CodingKeys: String, CodingKey {
    case version
    case state
    case kind
    case origin
    case author
    case createdAt = "created_at"
    case expiresAt = "expires_at"
    case deletedAt = "deleted_at"
    case destroyedAt = "destroyed_at"
    case fields
    case uses
  }

  package init(_ version: SecretVersion, at now: Timestamp, uses: [SecretUseInfo]) {
    self.version = version.number
    state = version.state(at: now)
    kind = version.kind
    origin = version.origin
    author = version.author
    createdAt = version.createdAt.rfc3339
    expiresAt = version.expiresAt?.rfc3339
    deletedAt = version.deletedAt?.rfc3339
    destroyedAt = version.destroyedAt?.rfc3339
    fields = version.fields.map {
      SecretFieldInfo(name: $0.name.description, length: $0.length)
    }
    self.uses = uses
  }
}

package struct SecretFieldInfo: Hashable, Sendable, Codable {
  package let name: String
  package let length: Int

  package init(name: String, length: Int) {
    self.name = name
    self.length = length
  }
}

/// The last read of a version by one principal.
package struct SecretUseInfo: Hashable, Sendable, Codable {
  /// The issuer and name.
  package let principal: String
  package let at: String

  package init(principal: String, at: String) {
    self.principal = principal
    self.at = at
  }
}

/// A page of secrets in the order of their names and environments.
package struct SecretPage: Hashable, Sendable, Codable {
  package let secrets: [SecretInfo]
  package let nextCursor: String?

  enum CodingKeys: String, CodingKey {
    case secrets
    case nextCursor = "next_cursor"
  }

  package init(secrets: [SecretInfo], nextCursor: String?) {
    self.secrets = secrets
    self.nextCursor = nextCursor
  }
}

/// The head of `POST /api/v1/secrets/NAME:put`; the values follow it in one frame, in this order.
package struct PutSecretRequest: Hashable, WireRequest {
  package struct Field: Hashable, Sendable, Codable {
    package var name: String
    package var length: Int

    enum CodingKeys: String, CodingKey, CaseIterable {
      case name
      case length
    }

    package init(name: String, length: Int) {
      self.name = name
      self.length = length
    }

    package init(from decoder: any Decoder) throws {
      try decoder.refuseFields(except: CodingKeys.allCases.map(\.rawValue))
      let fields = try decoder.container(keyedBy: CodingKeys.self)
      name = try fields.decode(String.self, forKey: .name)
      length = try fields.decode(Int.self, forKey: .length)
    }
  }

  /// A value that the server makes: random characters, or a key pair in two fields.
  package struct Generation: Hashable, Sendable, Codable {
    package enum Form: String, CaseIterable, Hashable, Sendable, Codable {
      /// Letters and digits.
      case alphanumeric
      case digits
      /// Lower-case hexadecimal.
      case hex
      /// `A-Z a-z 0-9 - _`.
      case base64url
      /// All printable ASCII but the space.
      case printable
      /// Any bytes.
      case bytes
      /// A key pair, PEM: PKCS#8 in the field, SubjectPublicKeyInfo in the field and `.pub`.
      case ed25519
      case ecP256 = "ec-p256"
      case ecP384 = "ec-p384"
      case rsa3072 = "rsa-3072"
      case rsa4096 = "rsa-4096"
    }

    package var field: String
    package var form: Form
    /// Characters or bytes, 1 to 4,096; 32 without it, and not for key pairs.
    package var length: Int?

    enum CodingKeys: String, CodingKey, CaseIterable {
      case field
      case form
      case length
    }

    package init(field: String, form: Form, length: Int? = nil) {
      self.field = field
      self.form = form
      self.length = length
    }

    package init(from decoder: any Decoder) throws {
      try decoder.refuseFields(except: CodingKeys.allCases.map(\.rawValue))
      let fields = try decoder.container(keyedBy: CodingKeys.self)
      field = try fields.decode(String.self, forKey: .field)
      form = try fields.decode(Form.self, forKey: .form)
      length = try fields.decodeIfPresent(Int.self, forKey: .length)
    }
  }

  package var environment: String?
  /// Without it that of the newest version, or generic.
  package var kind: SecretKind?
  package var fields: [Field]
  package var generate: [Generation]?
  /// True to keep the fields of the newest version that the request does not name.
  package var merge: Bool?
  /// The version that must be the latest; 0 for none yet.
  package var expectedVersion: Int?
  /// Seconds until the version expires.
  package var expiresIn: Int64?
  /// Custom metadata, which takes the place of what there was.
  package var metadata: [String: String]?
  package var mostVersions: Int?
  /// True to refuse a value that an older version had.
  package var refuseReuse: Bool?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case environment
    case kind
    case fields
    case generate
    case merge
    case expectedVersion = "expected_version"
    case expiresIn = "expires_in"
    case metadata
    case mostVersions = "max_versions"
    case refuseReuse = "refuse_reuse"
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(
    environment: String? = nil,
    kind: SecretKind? = nil,
    fields: [Field],
    generate: [Generation]? = nil,
    merge: Bool? = nil,
    expectedVersion: Int? = nil,
    expiresIn: Int64? = nil,
    metadata: [String: String]? = nil,
    mostVersions: Int? = nil,
    refuseReuse: Bool? = nil
  ) {
    self.environment = environment
    self.kind = kind
    self.fields = fields
    self.generate = generate
    self.merge = merge
    self.expectedVersion = expectedVersion
    self.expiresIn = expiresIn
    self.metadata = metadata
    self.mostVersions = mostVersions
    self.refuseReuse = refuseReuse
  }
}

/// What a write made.
package struct SecretWritten: Hashable, Sendable, Codable {
  package let secret: SecretInfo
  /// Fields whose value an older version had, as `password (version 3)`; told only to who may read.
  package let reused: [String]

  package init(secret: SecretInfo, reused: [String]) {
    self.secret = secret
    self.reused = reused
  }
}

/// What `POST /api/v1/secrets/NAME:rollback`, `:delete`, `:undelete` and `:destroy` take.
package struct SecretVersionsRequest: Hashable, WireRequest {
  package var environment: String?
  /// Without it the newest; for a rollback exactly one.
  package var versions: [Int]?
  /// True for every version: only to destroy, after which lookups pass the secret by.
  package var all: Bool?
  package var expectedVersion: Int?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case environment
    case versions
    case all
    case expectedVersion = "expected_version"
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(
    environment: String? = nil,
    versions: [Int]? = nil,
    all: Bool? = nil,
    expectedVersion: Int? = nil
  ) {
    self.environment = environment
    self.versions = versions
    self.all = all
    self.expectedVersion = expectedVersion
  }
}

/// What `POST /api/v1/secrets/NAME:promote` takes.
package struct PromoteSecretRequest: Hashable, WireRequest {
  package var from: String
  package var to: String
  /// Without it the newest of `from`.
  package var version: Int?
  package var expectedVersion: Int?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case from
    case to
    case version
    case expectedVersion = "expected_version"
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(from: String, to: String, version: Int? = nil, expectedVersion: Int? = nil) {
    self.from = from
    self.to = to
    self.version = version
    self.expectedVersion = expectedVersion
  }
}

/// Which names and fields two environments have, inherited ones included; never a value.
package struct SecretDifference: Hashable, Sendable, Codable {
  package struct Line: Hashable, Sendable, Codable {
    package let name: String
    /// The environments that have it, seen from either side; null where it is missing.
    package let from: String?
    package let to: String?
    /// Fields of the one that the other lacks.
    package let missingFields: [String]
    package let extraFields: [String]

    enum CodingKeys: String, CodingKey {
      case name
      case from
      case to
      case missingFields = "missing_fields"
      case extraFields = "extra_fields"
    }

    package init(
      name: String,
      from: String?,
      to: String?,
      missingFields: [String],
      extraFields: [String]
    ) {
      self.name = name
      self.from = from
      self.to = to
      self.missingFields = missingFields
      self.extraFields = extraFields
    }
  }

  package let from: String
  package let to: String
  /// What differs, in the order of names.
  package let differences: [Line]
  /// How many names have the same fields on both sides.
  package let same: Int

  package init(from: String, to: String, differences: [Line], same: Int) {
    self.from = from
    self.to = to
    self.differences = differences
    self.same = same
  }
}

/// Secrets that nobody reads, and secrets that are old.
package struct SecretReport: Hashable, Sendable, Codable {
  package enum Reason: String, CaseIterable, Hashable, Sendable, Codable {
    /// The newest version was never read, or not for longer than asked.
    case unused
    /// The newest version is older than asked.
    case stale
    /// The newest version is past its expiry.
    case expired
  }

  package struct Line: Hashable, Sendable, Codable {
    package let name: String
    package let environment: String
    package let version: Int
    package let createdAt: String
    /// Of any version; null if no use is known.
    package let lastUsedAt: String?
    package let reasons: [Reason]

    enum CodingKeys: String, CodingKey {
      case name
      case environment
      case version
      case createdAt = "created_at"
      case lastUsedAt = "last_used_at"
      case reasons
    }

    package init(
      name: String,
      environment: String,
      version: Int,
      createdAt: String,
      lastUsedAt: String?,
      reasons: [Reason]
    ) {
      self.name = name
      self.environment = environment
      self.version = version
      self.createdAt = createdAt
      self.lastUsedAt = lastUsedAt
      self.reasons = reasons
    }
  }

  package let lines: [Line]

  package init(lines: [Line]) {
    self.lines = lines
  }
}
