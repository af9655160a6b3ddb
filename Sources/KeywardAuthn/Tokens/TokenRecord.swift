import KeywardCrypto
package import KeywardModel

/// An access token as it is stored: whose it is, and how long and where it holds.
///
/// A state machine without a clock: the time comes in, and a clock that steps back gives no token
/// more life than it had (V20).
package struct TokenRecord: Hashable, Sendable {
  /// Why a token is not taken; for the server's log, the client hears one answer.
  package enum Refusal: String, Error, Hashable, Sendable {
    case expired
    case revoked
    case usedUp = "used-up"
    /// From an address that it is not for, or over a Unix socket although it is bound to networks.
    case network
    /// Over a connection with another certificate than the one it was made under, or none (V06).
    case certificate
    case notRenewable = "not-renewable"
    /// A renewal would reach no further: the maximum is reached.
    case maximum
  }

  /// What a token is to be.
  package struct Terms: Hashable, Sendable {
    /// Seconds; a renewal gives as many again.
    package let ttl: Int64
    /// Seconds from the start after which no renewal reaches.
    package let maximumTTL: Int64
    /// Nil for as many as one likes.
    package let uses: Int64?
    package let isRenewable: Bool
    /// Empty for every network.
    package let networks: [NetworkPrefix]

    package static let defaultTTL: Int64 = 3600
    package static let defaultMaximumTTL: Int64 = 86_400
    package static let longestTTL: Int64 = 366 * 86_400

    /// Checks each number: 0 is never "for ever".
    package init(
      ttl: Int64? = nil,
      maximumTTL: Int64? = nil,
      uses: Int64? = nil,
      isRenewable: Bool = true,
      networks: [NetworkPrefix] = []
    ) throws(AuthnError) {
      let longest = Self.longestTTL
      // Each default gives way to the other number, so that one of them alone is enough.
      let maximum = try FieldRules.positive(
        maximumTTL,
        "maximum_ttl",
        atMost: longest,
        default: max(Self.defaultMaximumTTL, min(ttl ?? 0, longest))
      )
      let time = try FieldRules.positive(
        ttl,
        "ttl",
        atMost: longest,
        default: min(Self.defaultTTL, maximum)
      )
      guard time <= maximum else {
        throw AuthnError("'ttl' is more than 'maximum_ttl'.")
      }
      self.ttl = time
      self.maximumTTL = maximum
      self.uses = try FieldRules.uses(uses, "uses")
      self.isRenewable = isRenewable
      self.networks = networks
    }

    /// These terms for a token made with another one: where that one does not hold, this one does not
    /// either.
    package func narrowed(to parent: Terms) throws(AuthnError) -> Terms {
      guard !parent.networks.isEmpty else { return self }
      guard networks.allSatisfy({ own in parent.networks.contains { $0.contains(own) } }) else {
        throw AuthnError("'networks' reaches beyond the networks of the token that makes it.")
      }
      return try Terms(
        ttl: ttl,
        maximumTTL: maximumTTL,
        uses: uses,
        isRenewable: isRenewable,
        networks: networks.isEmpty ? parent.networks : networks
      )
    }

    /// Reads a request for a token.
    package init(_ request: TokenRequest) throws(AuthnError) {
      try self.init(
        ttl: request.ttl,
        maximumTTL: request.maximumTTL,
        uses: request.uses,
        isRenewable: request.renewable ?? true,
        networks: FieldRules.networks(request.networks)
      )
    }
  }

  package let accessor: Accessor
  package let digest: CredentialDigest
  package let principal: Principal
  package let terms: Terms
  package let createdAt: Timestamp
  /// The first moment at which it does not hold any more.
  package private(set) var expiresAt: Timestamp
  /// The moment that no renewal passes.
  package let maximumExpiresAt: Timestamp
  package private(set) var usesLeft: Int64?
  /// SHA-256 of the whole client certificate that it was made under; nil for none.
  package let certificateSHA256: [UInt8]?
  /// The token that it was made with, for the same identity: it ends with that one (V21).
  package let parent: Accessor?
  package private(set) var isRevoked: Bool
  /// The latest moment that any event showed.
  ///
  /// A clock that steps back is taken to stand still here.
  package private(set) var latest: Timestamp

  /// Makes a token at `now`; `notAfter` is the end of the credential that it was exchanged for, beyond
  /// which it cannot hold either.
  package init(
    accessor: Accessor,
    digest: CredentialDigest,
    principal: Principal,
    terms: Terms,
    now: Timestamp,
    notAfter: Timestamp? = nil,
    certificateSHA256: [UInt8]? = nil,
    parent: Accessor? = nil
  ) {
    self.accessor = accessor
    self.digest = digest
    self.principal = principal
    self.terms = terms
    self.certificateSHA256 = certificateSHA256
    self.parent = parent
    createdAt = now
    latest = now
    isRevoked = false
    usesLeft = terms.uses
    let limit = now.adding(seconds: terms.maximumTTL)
    maximumExpiresAt = min(limit, notAfter ?? limit)
    expiresAt = min(now.adding(seconds: terms.ttl), maximumExpiresAt)
  }

  /// Puts a stored token together again.
  init(
    accessor: Accessor,
    digest: CredentialDigest,
    principal: Principal,
    terms: Terms,
    createdAt: Timestamp,
    expiresAt: Timestamp,
    maximumExpiresAt: Timestamp,
    usesLeft: Int64?,
    certificateSHA256: [UInt8]?,
    parent: Accessor?,
    isRevoked: Bool,
    latest: Timestamp
  ) {
    self.accessor = accessor
    self.digest = digest
    self.principal = principal
    self.terms = terms
    self.createdAt = createdAt
    self.expiresAt = expiresAt
    self.maximumExpiresAt = maximumExpiresAt
    self.usesLeft = usesLeft
    self.certificateSHA256 = certificateSHA256
    self.parent = parent
    self.isRevoked = isRevoked
    self.latest = latest
  }

  /// A request presents the token; success counts as a use, and the caller stores the record when
  /// ``isChangedByUse``.
  ///
  /// `source` is the address of the peer, nil on a Unix socket; `certificate` is the SHA-256 of the
  /// client certificate of the connection, nil for none.
  package mutating func use(
    now: Timestamp,
    source: NetworkAddress?,
    certificate: [UInt8]?
  ) throws(Refusal) {
    try check(now: now, source: source, certificate: certificate)
    if let left = usesLeft { usesLeft = left - 1 }
  }

  /// Whether a use changes what has to be stored: the number of uses left.
  package var isChangedByUse: Bool { usesLeft != nil }

  /// Asks for more time: `terms.ttl` from now, or `increment` seconds if that is less, and never past
  /// the maximum.
  ///
  /// Never shortens. Also a use.
  package mutating func renew(
    now: Timestamp,
    increment: Int64? = nil,
    source: NetworkAddress?,
    certificate: [UInt8]?
  ) throws(Refusal) {
    try check(now: now, source: source, certificate: certificate)
    if let left = usesLeft { usesLeft = left - 1 }
    try extend(now: now, increment: increment)
  }

  /// The same for a token whose use was checked and counted before, or that somebody else renews.
  package mutating func extend(now: Timestamp, increment: Int64? = nil) throws(Refusal) {
    latest = max(latest, now)
    guard !isRevoked else { throw .revoked }
    guard latest < expiresAt else { throw .expired }
    guard terms.isRenewable else { throw .notRenewable }
    guard expiresAt < maximumExpiresAt else { throw .maximum }
    let seconds = min(max(increment ?? terms.ttl, 1), terms.ttl)
    expiresAt = max(expiresAt, min(latest.adding(seconds: seconds), maximumExpiresAt))
  }

  /// Ends the token for good.
  package mutating func revoke() {
    isRevoked = true
  }

  /// Whether it holds at `now`, wherever from.
  package func holds(at now: Timestamp) -> Bool {
    !isRevoked && max(now, latest) < expiresAt && usesLeft != 0
  }

  private mutating func check(
    now: Timestamp,
    source: NetworkAddress?,
    certificate: [UInt8]?
  ) throws(Refusal) {
    latest = max(latest, now)
    guard !isRevoked else { throw .revoked }
    guard latest < expiresAt else { throw .expired }
    guard usesLeft != 0 else { throw .usedUp }
    if !terms.networks.isEmpty {
      guard let source, terms.networks.contains(where: { $0.contains(source) }) else {
        throw .network
      }
    }
    if let certificateSHA256 {
      guard let certificate, constantTimeEquals(certificate, certificateSHA256) else {
        throw .certificate
      }
    }
  }
}
