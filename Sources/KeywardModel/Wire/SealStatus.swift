/// What `GET /api/v1/status` answers: nothing in it is secret.
package struct SealStatus: Hashable, Sendable, Codable {
  package var initialized: Bool
  package var sealed: Bool
  /// `shamir`, `key-file`, `passphrase` or `credential`; null before `init`.
  package var seal: String?
  /// Shares made and shares needed; null when the seal has none.
  package var shares: Int?
  package var threshold: Int?
  /// Shares given so far in this unsealing.
  package var progress: Int
  /// Why the server is sealed, when there is more to say than that nobody unsealed it.
  package var reason: String?
  /// 32 hexadecimal digits; null before `init`.
  package var storeID: String?
  /// The version of the server.
  package var version: String
  package var startedAt: String
  /// Whether new shares wait to be shown: until then the seals of before the rekey open the store
  /// too.
  package var rekeyPending: Bool
  /// The term that new material is wrapped under; null while sealed, as the figures below.
  package var keyringTerm: UInt64?
  /// Versions still wrapped under an older term.
  package var rewrapPending: Int?
  package var keys: Int?
  package var auditSize: UInt64?
  /// False when the audit log cannot be written: then nothing is answered.
  package var auditWritable: Bool
  /// Throw-away data: NOT FOR PRODUCTION.
  package var dev: Bool

  enum CodingKeys: String, CodingKey {
    case initialized
    case sealed
    case seal
    case shares
    case threshold
    case progress
    case reason
    case storeID = "store_id"
    case version
    case startedAt = "started_at"
    case rekeyPending = "rekey_pending"
    case keyringTerm = "keyring_term"
    case rewrapPending = "rewrap_pending"
    case keys
    case auditSize = "audit_size"
    case auditWritable = "audit_writable"
    case dev
  }

  package init(
    initialized: Bool,
    sealed: Bool,
    seal: String? = nil,
    shares: Int? = nil,
    threshold: Int? = nil,
    progress: Int = 0,
    reason: String? = nil,
    storeID: String? = nil,
    version: String,
    startedAt: String,
    rekeyPending: Bool = false,
    keyringTerm: UInt64? = nil,
    rewrapPending: Int? = nil,
    keys: Int? = nil,
    auditSize: UInt64? = nil,
    auditWritable: Bool = true,
    dev: Bool = false
  ) {
    self.initialized = initialized
    self.sealed = sealed
    self.seal = seal
    self.shares = shares
    self.threshold = threshold
    self.progress = progress
    self.reason = reason
    self.storeID = storeID
    self.version = version
    self.startedAt = startedAt
    self.rekeyPending = rekeyPending
    self.keyringTerm = keyringTerm
    self.rewrapPending = rewrapPending
    self.keys = keys
    self.auditSize = auditSize
    self.auditWritable = auditWritable
    self.dev = dev
  }
}

/// The seals that `operator init` and `operator rekey` can make.
package enum SealKind: String, CaseIterable, Hashable, Sendable, Codable {
  case shamir
  case keyFile = "key-file"
  case passphrase
  case credential
}

/// The seal that `operator init` and `operator rekey` ask for, from their query.
package struct SealRequest: Hashable, Sendable {
  package let seal: SealKind
  /// Shares of the seal itself, or recovery shares of an automatic seal.
  package let shares: Int
  package let threshold: Int

  /// Checks 1 ≤ threshold ≤ shares ≤ 255, and 2 ≤ threshold as soon as there are 2 shares.
  package init(seal: SealKind, shares: Int, threshold: Int) throws(ServiceError) {
    guard (1...255).contains(shares), (1...shares).contains(threshold) else {
      throw ServiceError(
        .invalidRequest,
        "'threshold' and 'shares' do not hold 1 ≤ threshold ≤ shares ≤ 255."
      )
    }
    guard shares == 1 || threshold >= 2 else {
      throw ServiceError(
        .invalidRequest,
        "A threshold of 1 would make each of \(shares) shares the whole key.",
        remedy: "Use a threshold of 2 or more, or one share."
      )
    }
    self.seal = seal
    self.shares = shares
    self.threshold = threshold
  }
}

/// What `POST /api/v1/operator/rotate` answers.
package struct KeyringRotation: Hashable, Sendable, Codable {
  /// The new term.
  package let keyringTerm: UInt64
  /// Versions that the server now rewraps in the background.
  package let rewrapPending: Int

  enum CodingKeys: String, CodingKey {
    case keyringTerm = "keyring_term"
    case rewrapPending = "rewrap_pending"
  }

  package init(keyringTerm: UInt64, rewrapPending: Int) {
    self.keyringTerm = keyringTerm
    self.rewrapPending = rewrapPending
  }
}
