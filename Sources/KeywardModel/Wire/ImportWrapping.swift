/// How the blob of an import is wrapped, and the key that opens it.
package struct ImportWrapping: Hashable, Sendable {
  /// The ways of wrapping that an import takes, by the names that exports and providers use.
  package enum Algorithm: String, CaseIterable, Hashable, Sendable, Codable {
    case oaepSHA256 = "RSAES_OAEP_SHA_256"
    case oaepSHA384 = "RSAES_OAEP_SHA_384"
    case oaepSHA512 = "RSAES_OAEP_SHA_512"
    case hybridSHA224 = "RSA_AES_KEY_WRAP_SHA_224"
    case hybridSHA256 = "RSA_AES_KEY_WRAP_SHA_256"
    case hybridSHA384 = "RSA_AES_KEY_WRAP_SHA_384"
    case hybridSHA512 = "RSA_AES_KEY_WRAP_SHA_512"
    case aesKW = "AES_KW"
    case aesKWP = "AES_KWP"

    /// Whether an RSA key opens it; else an AES key does.
    package var isForRSA: Bool { self != .aesKW && self != .aesKWP }

    /// Those of one-time keys, which are RSA keys.
    package static let ofOneTimeKeys = allCases.filter(\.isForRSA)

    /// The algorithm of a name, or why it is none.
    package init(named text: String) throws(ServiceError) {
      if let known = Self(rawValue: text) {
        self = known
        return
      }
      let isSHA1 = text == "RSAES_OAEP_SHA_1" || text == "RSA_AES_KEY_WRAP_SHA_1"
      throw ServiceError(
        .invalidRequest,
        isSHA1
          ? "An import does not take OAEP with SHA-1." : "The way of wrapping is not known.",
        remedy: isSHA1
          ? "Wrap with SHA-256, for OAEP and for its MGF1 alike."
          : "Use one of: \(Self.allCases.map(\.rawValue).joined(separator: ", "))."
      )
    }
  }

  /// The key that opens the blob.
  package enum WrappingKey: Hashable, Sendable {
    /// One that was fetched for this import and ends with it.
    case oneTime(WrappingKeyID)
    /// A key of Keyward's, in a version or in the one that is primary.
    case named(KeyName, version: Int?)
  }

  package let algorithm: Algorithm
  package let key: WrappingKey

  package init(_ algorithm: Algorithm, under key: WrappingKey) {
    self.algorithm = algorithm
    self.key = key
  }
}

/// What `POST /api/v1/keys/NAME:wrapping-key` takes.
package struct WrappingKeyRequest: Hashable, WireRequest {
  /// `rsa-3072` or `rsa-4096`; the latter if left out.
  package var type: String?
  /// Seconds; an hour if left out.
  package var ttl: Int64?

  enum CodingKeys: String, CodingKey, CaseIterable {
    case type
    case ttl
  }

  package static var fieldNames: [String] { CodingKeys.allCases.map(\.rawValue) }

  /// From a minute to a week: an import may have to wait for its approvals.
  package static let ttls: ClosedRange<Int64> = 60...604_800

  package init(type: String? = nil, ttl: Int64? = nil) {
    self.type = type
    self.ttl = ttl
  }

  /// The type and the seconds that this asks for, or what is wrong with them.
  package func parsed() throws(ServiceError) -> (type: KeyType, ttl: Int64) {
    let type = try type.map { text throws(ServiceError) in try WireText.keyType(text) } ?? .rsa4096
    guard type == .rsa3072 || type == .rsa4096 else {
      throw ServiceError(
        .invalidRequest,
        "A wrapping key is of type rsa-3072 or rsa-4096.",
        remedy: "Leave the type out for rsa-4096."
      )
    }
    let ttl = ttl ?? 3600
    guard Self.ttls.contains(ttl) else {
      throw ServiceError(.invalidRequest, "'ttl' is not within one minute and one week.")
    }
    return (type, ttl)
  }
}

/// A wrapping key for one import, as the API shows it: its public half.
package struct WrappingKeyInfo: Hashable, Sendable, Codable {
  /// `once:` and 26 characters.
  package let id: String
  /// The only key that can be imported under it.
  package let key: String
  package let type: KeyType
  /// SubjectPublicKeyInfo, base64 DER.
  package let publicKey: String
  /// The SHA-256 of the SubjectPublicKeyInfo, in hexadecimal.
  package let fingerprint: String
  package let algorithms: [ImportWrapping.Algorithm]
  package let createdAt: String
  package let validUntil: String

  enum CodingKeys: String, CodingKey {
    case id
    case key
    case type
    case publicKey = "public_key"
    case fingerprint
    case algorithms
    case createdAt = "created_at"
    case validUntil = "valid_until"
  }

  package init(
    id: String,
    key: String,
    type: KeyType,
    publicKey: String,
    fingerprint: String,
    algorithms: [ImportWrapping.Algorithm],
    createdAt: String,
    validUntil: String
  ) {
    self.id = id
    self.key = key
    self.type = type
    self.publicKey = publicKey
    self.fingerprint = fingerprint
    self.algorithms = algorithms
    self.createdAt = createdAt
    self.validUntil = validUntil
  }
}
