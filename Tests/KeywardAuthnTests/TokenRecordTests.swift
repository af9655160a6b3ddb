import KeywardAuthn
import KeywardCrypto
import KeywardModel
import Testing

/// The life of an access token, without a clock.
@Suite
struct TokenRecordTests {
  static let principal = Principal(
    kind: .jwt,
    issuer: "github",
    name: "octo-org/octo-repo",
    cluster: "eu",
    environment: "prod",
    claims: ["ref": "refs/heads/main", "repository_id": "74"]
  )

  static func token(
    ttl: Int64? = 60,
    maximumTTL: Int64? = 100,
    uses: Int64? = nil,
    isRenewable: Bool = true,
    networks: [NetworkPrefix] = [],
    notAfter: Timestamp? = nil,
    certificate: [UInt8]? = nil
  ) throws -> TokenRecord {
    TokenRecord(
      accessor: try #require(Accessor(.token, random: [UInt8](repeating: 1, count: 16))),
      digest: try #require(CredentialDigest(stored: [UInt8](repeating: 2, count: 32))),
      principal: principal,
      terms: try TokenRecord.Terms(
        ttl: ttl,
        maximumTTL: maximumTTL,
        uses: uses,
        isRenewable: isRenewable,
        networks: networks
      ),
      now: now,
      notAfter: notAfter,
      certificateSHA256: certificate
    )
  }

  /// What a use at `now` plus so many milliseconds comes to.
  static func use(
    _ token: inout TokenRecord,
    at milliseconds: Int64,
    source: NetworkAddress? = nil,
    certificate: [UInt8]? = nil
  ) -> TokenRecord.Refusal? {
    do {
      try token.use(
        now: Timestamp(milliseconds: now.milliseconds + milliseconds),
        source: source,
        certificate: certificate
      )
      return nil
    } catch {
      return error
    }
  }

  static func renew(
    _ token: inout TokenRecord,
    at milliseconds: Int64,
    increment: Int64? = nil
  ) -> TokenRecord.Refusal? {
    do {
      try token.renew(
        now: Timestamp(milliseconds: now.milliseconds + milliseconds),
        increment: increment,
        source: nil,
        certificate: nil
      )
      return nil
    } catch {
      return error
    }
  }

  @Test
  func usesAreCounted() throws {
    var token = try Self.token(uses: 2)
    #expect(token.isChangedByUse)
    #expect(Self.use(&token, at: 0) == nil)
    #expect(Self.use(&token, at: 0) == nil)
    #expect(token.usesLeft == 0)
    #expect(!token.holds(at: now))
    #expect(Self.use(&token, at: 0) == .usedUp)
    #expect(Self.renew(&token, at: 0) == .usedUp)
    var endless = try Self.token()
    #expect(!endless.isChangedByUse)
    for _ in 0..<1000 { #expect(Self.use(&endless, at: 0) == nil) }
  }

  @Test
  func refusedUsesAreNotCounted() throws {
    let network = try #require(NetworkPrefix("10.1.0.0/16"))
    var token = try Self.token(uses: 1, networks: [network])
    let inside = NetworkAddress("10.1.2.3")
    #expect(Self.use(&token, at: 0) == .network)
    #expect(Self.use(&token, at: 0, source: NetworkAddress("10.2.0.1")) == .network)
    #expect(Self.use(&token, at: 0, source: NetworkAddress("::1")) == .network)
    #expect(token.usesLeft == 1)
    #expect(Self.use(&token, at: 0, source: NetworkAddress("::ffff:10.1.2.3")) == nil)
    #expect(Self.use(&token, at: 0, source: inside) == .usedUp)
  }

  @Test
  func revokedIsForGood() throws {
    var token = try Self.token()
    token.revoke()
    #expect(Self.use(&token, at: 0) == .revoked)
    #expect(Self.renew(&token, at: 0) == .revoked)
    #expect(!token.holds(at: now))
    #expect(try TokenRecord(decoding: token.encoded).isRevoked)
  }

  @Test
  func renewalHasItsLimits() throws {
    var token = try Self.token(isRenewable: false)
    #expect(Self.renew(&token, at: 0) == .notRenewable)
    var short = try Self.token()
    // Never shorter than it was, never longer than `ttl` from now.
    #expect(Self.renew(&short, at: 1000, increment: 1) == nil)
    #expect(short.expiresAt == now.adding(seconds: 60))
    #expect(Self.renew(&short, at: 10_000, increment: 500) == nil)
    #expect(short.expiresAt == now.adding(seconds: 70))
    #expect(Self.renew(&short, at: 10_000, increment: -5) == nil)
    #expect(short.expiresAt == now.adding(seconds: 70))
  }

  /// A token lives no longer than the credential that it was exchanged for.
  @Test
  func theEndOfTheCredentialIsTheEnd() throws {
    var token = try Self.token(notAfter: now.adding(seconds: 30))
    #expect(token.expiresAt == now.adding(seconds: 30))
    #expect(token.maximumExpiresAt == now.adding(seconds: 30))
    #expect(Self.renew(&token, at: 29_999) == .maximum)
    #expect(Self.use(&token, at: 30_000) == .expired)
    var ended = try Self.token(notAfter: now)
    #expect(Self.use(&ended, at: 0) == .expired)
  }

  @Test(
    arguments: [
      (0, nil, nil), (nil, 0, nil), (-1, nil, nil), (nil, -1, nil), (61, 60, nil), (nil, nil, 0),
      (nil, nil, -1), (Int64.max, nil, nil), (nil, Int64.max, nil), (366 * 86_400 + 1, nil, nil),
    ] as [(Int64?, Int64?, Int64?)]
  )
  func termsThatAreNone(_ ttl: Int64?, _ maximum: Int64?, _ uses: Int64?) {
    #expect(throws: AuthnError.self) {
      try TokenRecord.Terms(ttl: ttl, maximumTTL: maximum, uses: uses)
    }
  }

  @Test(
    arguments: [
      (nil, nil, 3600, 86_400), (60, nil, 60, 86_400), (nil, 60, 60, 60),
      (200_000, nil, 200_000, 200_000), (nil, 200_000, 3600, 200_000), (1, 1, 1, 1),
    ] as [(Int64?, Int64?, Int64, Int64)]
  )
  func termsHaveDefaults(
    _ ttl: Int64?,
    _ maximum: Int64?,
    _ wantedTTL: Int64,
    _ wantedMaximum: Int64
  ) throws {
    let terms = try TokenRecord.Terms(TokenRequest(ttl: ttl, maximumTTL: maximum))
    #expect(terms.ttl == wantedTTL)
    #expect(terms.maximumTTL == wantedMaximum)
  }

  @Test
  func recordsReadBack() throws {
    let network = try #require(NetworkPrefix("10.1.0.0/16"))
    var token = try Self.token(
      uses: 7,
      networks: [network],
      certificate: [UInt8](repeating: 3, count: 32)
    )
    _ = Self.use(&token, at: 5)
    let read = try TokenRecord(decoding: token.encoded)
    #expect(read == token)
    #expect(read.info.principal.claims == Self.principal.claims)
    #expect(read.info.networks == ["10.1.0.0/16"])
    #expect(read.info.certificateSHA256 == String(repeating: "03", count: 32))
    for length in 0..<token.encoded.count {
      #expect(throws: AuthnError.self) {
        try TokenRecord(decoding: Array(token.encoded[..<length]))
      }
    }
    #expect(throws: AuthnError.self) { try TokenRecord(decoding: token.encoded + [0]) }
  }
}
