/// What `POST /api/v1/exports` takes: the first of the two steps of an export.
package struct PrepareExportRequest: Hashable, WireRequest {
  package var key: String
  /// The version; without it the primary one.
  package var version: Int?
  package var destination: String
  /// In `push` Keyward hands the key over, in `bundle` its user does.
  package var mode: String
  /// The provider's name for what the key is to be there, as `RSA_4096`; without it the usual one.
  package var keySpec: String?
  /// AWS `KeyUsage`, Azure `key_ops`, Google `purpose`; without it the usual one.
  package var usage: String?
  package var wrappingAlgorithm: String?
  package var wrappingKeyBits: Int?
  /// The name of the key to make there.
  package var targetName: String?
  /// The key there to import into; without it one is made.
  package var targetKey: String?
  /// Azure, in a bundle of a KEK in PEM: the KEK's versioned identifier.
  package var wrappingKeyID: String?
  /// RFC 3339: when the material or key ends there; without it never.
  package var validUntil: String?
  package var multiRegion: Bool?
  package var description: String?
  /// Bundle: what the provider answered when it was asked for parameters, as it is.
  package var parameters: String?
  /// Only says whether it would be allowed and how it would be wrapped.
  package var dryRun: Bool?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case key
    case version
    case destination
    case mode
    case keySpec = "key_spec"
    case usage
    case wrappingAlgorithm = "wrapping_algorithm"
    case wrappingKeyBits = "wrapping_key_bits"
    case targetName = "target_name"
    case targetKey = "target_key"
    case wrappingKeyID = "wrapping_key_id"
    case validUntil = "valid_until"
    case multiRegion = "multi_region"
    case description
    case parameters
    case dryRun = "dry_run"
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(key: String, destination: String, mode: String) {
    self.key = key
    self.destination = destination
    self.mode = mode
  }
}

/// What `POST /api/v1/exports/{id}:complete` takes: the words of the prepared export once more.
///
/// They must be those of the record. An approval is bound to the exact request, and so to them.
package struct CompleteExportRequest: Hashable, WireRequest {
  package var key: String
  package var version: Int
  package var destination: String
  package var algorithm: String
  /// SHA-256 of the wrapping key's SubjectPublicKeyInfo, hexadecimal.
  package var wrappingKeySHA256: String
  /// `never` or RFC 3339.
  package var validUntil: String

  enum CodingKeys: String, CodingKey, CaseIterable {
    case key
    case version
    case destination
    case algorithm
    case wrappingKeySHA256 = "wrapping_key_sha256"
    case validUntil = "valid_until"
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  /// The words that complete `export`.
  package init(_ export: ExportInfo) {
    key = export.key
    version = export.version
    destination = export.destination
    algorithm = export.algorithm
    wrappingKeySHA256 = export.wrappingKeySHA256 ?? "-"
    validUntil = export.validUntil ?? "never"
  }
}

/// What `POST /api/v1/exports/{id}:renew` takes.
package struct RenewExportRequest: Hashable, WireRequest {
  /// Bring the newest version, in place of the same material again.
  package var rotate: Bool?
  /// As in ``PrepareExportRequest``.
  package var validUntil: String?
  package var parameters: String?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case rotate
    case validUntil = "valid_until"
    case parameters
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  package init(rotate: Bool? = nil, validUntil: String? = nil, parameters: String? = nil) {
    self.rotate = rotate
    self.validUntil = validUntil
    self.parameters = parameters
  }
}

/// One export of one key version: what Keyward knows of the copy.
package struct ExportInfo: Hashable, Sendable, Codable {
  package var id: String
  /// `prepared`, `sending`, `delivered`, `proved`, `contradicted`, `failed`, `superseded`, `expired`
  /// or `retired`.
  package var state: String
  package var key: String
  package var keyID: String
  package var version: Int
  /// Whether the key has a newer version than the copy.
  package var isBehind: Bool
  /// A name of a destination, or `file`.
  package var destination: String
  /// A provider, or the format of a file.
  package var provider: String
  /// `push`, `bundle` or `file`.
  package var mode: String
  /// `fetched`, `pinned` or `supplied`; null for a file that no key wraps.
  package var provenance: String?
  /// The right that it takes: `key:cloud-export` or `key:export`.
  package var operation: String
  package var keySpec: String
  package var algorithm: String
  package var wrappingKeySHA256: String?
  package var wrappingKeyBits: Int?
  /// Until when the provider takes a blob that is wrapped under these parameters.
  package var parametersValidUntil: String?
  /// When the material ends there; null for never.
  package var validUntil: String?
  package var createdAt: String
  package var requester: PrincipalInfo
  package var sentAt: String?
  package var blobSHA256: String?
  package var approval: String?
  package var approvers: [PrincipalInfo]
  package var providerKeyID: String?
  package var materialID: String?
  /// The provider's word for the state of the copy when it was last asked.
  package var providerState: String?
  package var checkedAt: String?
  /// `proved`, `contradicted` or `not provable`; null before it was tried.
  package var proof: String?
  /// By what it was proved, or why not.
  package var proofDetail: String?
  /// The reason of a failure: a stable word, and a sentence.
  package var failure: String?
  package var failureDetail: String?
  package var renews: String?
  package var supersededBy: String?
  /// `30 days`, `7 days`, `1 day` or `over`, once the end is that near.
  package var warning: String?

  enum CodingKeys: String, CodingKey {
    case id
    case state
    case key
    case keyID = "key_id"
    case version
    case isBehind = "is_behind"
    case destination
    case provider
    case mode
    case provenance
    case operation
    case keySpec = "key_spec"
    case algorithm
    case wrappingKeySHA256 = "wrapping_key_sha256"
    case wrappingKeyBits = "wrapping_key_bits"
    case parametersValidUntil = "parameters_valid_until"
    case validUntil = "valid_until"
    case createdAt = "created_at"
    case requester
    case sentAt = "sent_at"
    case blobSHA256 = "blob_sha256"
    case approval
    case approvers
    case providerKeyID = "provider_key_id"
    case materialID = "material_id"
    case providerState = "provider_state"
    case checkedAt = "checked_at"
    case proof
    case proofDetail = "proof_detail"
    case failure
    case failureDetail = "failure_detail"
    case renews
    case supersededBy = "superseded_by"
    case warning
  }

  package init(
    id: String,
    state: String,
    key: String,
    keyID: String,
    version: Int,
    isBehind: Bool,
    destination: String,
    provider: String,
    mode: String,
    operation: String,
    keySpec: String,
    algorithm: String,
    createdAt: String,
    requester: PrincipalInfo,
    approvers: [PrincipalInfo] = []
  ) {
    self.id = id
    self.state = state
    self.key = key
    self.keyID = keyID
    self.version = version
    self.isBehind = isBehind
    self.destination = destination
    self.provider = provider
    self.mode = mode
    self.operation = operation
    self.keySpec = keySpec
    self.algorithm = algorithm
    self.createdAt = createdAt
    self.requester = requester
    self.approvers = approvers
  }
}

/// A page of exports, newest first.
package struct ExportPage: Hashable, Sendable, Codable {
  package let exports: [ExportInfo]
  package let nextCursor: String?

  enum CodingKeys: String, CodingKey {
    case exports
    case nextCursor = "next_cursor"
  }

  package init(exports: [ExportInfo], nextCursor: String?) {
    self.exports = exports
    self.nextCursor = nextCursor
  }
}

/// What completing an export gives: the record, and for a bundle what to carry over.
package struct ExportResult: Hashable, Sendable, Codable {
  /// A file of a bundle: wrapped, so that it is no secret.
  package struct File: Hashable, Sendable, Codable {
    package let name: String
    /// Base64.
    package let content: String

    package init(name: String, content: String) {
      self.name = name
      self.content = content
    }
  }

  package let export: ExportInfo
  package let files: [File]
  /// The commands that come next, with the files' names in them.
  package let commands: [String]

  package init(export: ExportInfo, files: [File] = [], commands: [String] = []) {
    self.export = export
    self.files = files
    self.commands = commands
  }
}

/// Which exports `GET /api/v1/exports` asks for.
package struct ExportFilter: Hashable, Sendable {
  package var key: KeyName?
  package var destination: String?
  /// A state's word.
  package var state: String?
  /// Only those with an end that is near or over.
  package var onlyWarnings: Bool
  package var limit: Int
  package var cursor: String?

  package init(
    key: KeyName? = nil,
    destination: String? = nil,
    state: String? = nil,
    onlyWarnings: Bool = false,
    limit: Int = 100,
    cursor: String? = nil
  ) {
    self.key = key
    self.destination = destination
    self.state = state
    self.onlyWarnings = onlyWarnings
    self.limit = limit
    self.cursor = cursor
  }
}

/// The query of `POST /api/v1/keys/NAME:export`; what wraps the key is the body.
package struct ExportKeyRequest: Hashable, Sendable {
  package enum Format: String, CaseIterable, Hashable, Sendable {
    /// A JWE with a JWK, for the public key in the body (PEM): RSA, a curve or X25519.
    case jwe
    /// Encrypted PKCS#8, under the password in the body.
    case pkcs8
    /// PKCS#12, under the password in the body.
    case pkcs12
    /// A Tink keyset: under the AES-256 key in the body, or in the clear if that is empty.
    case tink
    /// PKCS#11 CKM_AES_KEY_WRAP_KWP (RFC 5649), under the AES key in the body.
    case pkcs11
    /// PKCS#11 CKM_AES_KEY_WRAP (RFC 3394), under the AES key in the body: for tokens without KWP.
    case pkcs11KW = "pkcs11-kw"
    /// A JWK in the clear: the body is empty.
    case jwk
    /// The bytes themselves, or PKCS#8 DER, in the clear: the body is empty.
    case raw
  }

  package let format: Format
  /// The version; nil for the primary one.
  package let version: Int?

  package init(format: Format, version: Int? = nil) {
    self.format = format
    self.version = version
  }
}
