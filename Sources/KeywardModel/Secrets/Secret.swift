/// A secret in one environment: what there is to know of it but the values.
///
/// A value without I/O. Numbers of versions are never used again, also not after all versions were
/// destroyed: check-and-set and pinned references rely on it.
package struct Secret: Hashable, Sendable {
  /// 16 random bytes in hexadecimal: a secret that is made anew is another one.
  package let id: SecretID
  package let environment: EnvironmentName
  package let name: SecretName
  package var kind: SecretKind
  package var metadata: [String: String]
  /// How many versions are kept; the oldest go when more are written.
  package var mostVersions: Int
  package let createdAt: Timestamp
  /// Ascending by number.
  package var versions: [SecretVersion]
  /// The number of the newest version that ever was; 0 before the first.
  package var latest: Int

  package init(
    id: SecretID,
    environment: EnvironmentName,
    name: SecretName,
    kind: SecretKind,
    metadata: [String: String] = [:],
    mostVersions: Int = SecretLimits.versions,
    createdAt: Timestamp,
    versions: [SecretVersion] = [],
    latest: Int = 0
  ) {
    self.id = id
    self.environment = environment
    self.name = name
    self.kind = kind
    self.metadata = metadata
    self.mostVersions = mostVersions
    self.createdAt = createdAt
    self.versions = versions
    self.latest = latest
  }

  package var path: SecretPath { SecretPath(environment, name) }

  /// Whether there is nothing left of it but its history: lookups pass it by.
  package var isGone: Bool { versions.allSatisfy { $0.destroyedAt != nil } }

  /// The id of the record with the values of a version; ids of one secret sort as numbers do.
  package func versionRecordID(_ number: Int) -> String {
    let digits = String(number)
    return "\(id)/" + String(repeating: "0", count: max(0, 10 - digits.utf8.count)) + digits
  }

  package func version(_ number: Int) -> SecretVersion? {
    versions.last { $0.number == number }
  }

  /// The newest version; nil if all were destroyed and trimmed.
  package var newest: SecretVersion? { versions.last }
}

/// A secret's place: the environment and the name.
package struct SecretPath: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let environment: EnvironmentName
  package let name: SecretName

  package init(_ environment: EnvironmentName, _ name: SecretName) {
    self.environment = environment
    self.name = name
  }

  /// Reads what ``description`` spells; nil for any other text.
  package init?(_ text: String) {
    guard let slash = text.firstIndex(of: "/"),
      let environment = try? EnvironmentName(String(text[..<slash])),
      let name = try? SecretName(String(text[text.index(after: slash)...]))
    else { return nil }
    self.init(environment, name)
  }

  package var description: String { "\(environment)/\(name)" }

  package static func < (left: SecretPath, right: SecretPath) -> Bool {
    left.name == right.name ? left.environment < right.environment : left.name < right.name
  }
}

/// The identity of a secret in one environment: 16 random bytes, in lower-case hexadecimal.
package struct SecretID: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  /// Makes the text from 16 random bytes, else nil.
  package init?(random bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    description = Hex.encode(bytes)
  }

  /// Takes the text back; nil if it has another shape.
  package init?(_ text: String) {
    guard text.utf8.count == 32, let bytes = Hex.decode(text), Hex.encode(bytes) == text else {
      return nil
    }
    description = text
  }
}

/// One version of a secret, without its values.
package struct SecretVersion: Hashable, Sendable {
  /// A field and the length of its value in bytes.
  package struct Field: Hashable, Sendable {
    package let name: FieldName
    package let length: Int
    /// HMAC-SHA-256 of the value under a key of the store and the secret's path and field, the first
    /// 16 bytes: tells that a value was there before, and nothing to who lacks the key.
    package let fingerprint: [UInt8]

    package init(name: FieldName, length: Int, fingerprint: [UInt8]) {
      self.name = name
      self.length = length
      self.fingerprint = fingerprint
    }
  }

  package enum Origin: String, CaseIterable, Hashable, Sendable, Codable {
    case written
    case generated
    case rollback
    case promoted
  }

  package let number: Int
  package let createdAt: Timestamp
  /// The issuer and name of who wrote it.
  package let author: String
  package let origin: Origin
  package let kind: SecretKind
  /// In the order of their names, none twice.
  package let fields: [Field]
  package var expiresAt: Timestamp?
  package var deletedAt: Timestamp?
  package var destroyedAt: Timestamp?

  package init(
    number: Int,
    createdAt: Timestamp,
    author: String,
    origin: Origin,
    kind: SecretKind,
    fields: [Field],
    expiresAt: Timestamp? = nil,
    deletedAt: Timestamp? = nil,
    destroyedAt: Timestamp? = nil
  ) {
    self.number = number
    self.createdAt = createdAt
    self.author = author
    self.origin = origin
    self.kind = kind
    self.fields = fields
    self.expiresAt = expiresAt
    self.deletedAt = deletedAt
    self.destroyedAt = destroyedAt
  }

  /// What a version is at a moment; the first that holds, from the last to the first.
  package enum State: String, CaseIterable, Hashable, Sendable, Codable {
    case active
    case expired
    case deleted
    case destroyed
  }

  package func state(at now: Timestamp) -> State {
    if destroyedAt != nil { return .destroyed }
    if deletedAt != nil { return .deleted }
    if let expiresAt, expiresAt <= now { return .expired }
    return .active
  }

  package var bytes: Int { fields.reduce(0) { $0 + $1.length } }
}
