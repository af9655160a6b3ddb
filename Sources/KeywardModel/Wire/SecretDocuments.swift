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
