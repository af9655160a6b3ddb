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
