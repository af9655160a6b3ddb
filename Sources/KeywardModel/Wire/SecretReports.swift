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
