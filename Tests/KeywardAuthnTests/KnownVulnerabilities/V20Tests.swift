import KeywardAuthn
import KeywardModel
import Testing

/// Vault CVE-2021-32923, CVE-2020-25816: what ends lives on at the edges of time.
@Suite
struct V20Tests {
  /// Around the end, which is 60 s after the start.
  @Test(
    arguments: [
      (59_999, true), (60_000, false), (60_001, false), (61_000, false), (Int64.max / 2, false),
    ] as [(Int64, Bool)]
  )
  func aTokenEndsAtItsMillisecond(_ offset: Int64, _ holds: Bool) throws {
    var token = try TokenRecordTests.token()
    #expect(token.holds(at: Timestamp(milliseconds: now.milliseconds + offset)) == holds)
    #expect(TokenRecordTests.use(&token, at: offset) == (holds ? nil : .expired))
    var renewed = try TokenRecordTests.token()
    #expect(TokenRecordTests.renew(&renewed, at: offset) == (holds ? nil : .expired))
  }

  /// Around the maximum of 100 s.
  @Test(arguments: [(-1000, 0), (-1, 0), (0, 1), (1, 1), (1000, 1)] as [(Int64, Int)])
  func noRenewalPassesTheMaximum(_ offset: Int64, _ outcome: Int) throws {
    var token = try TokenRecordTests.token()
    #expect(TokenRecordTests.renew(&token, at: 50_000) == nil)
    #expect(token.expiresAt == now.adding(seconds: 100))
    #expect(TokenRecordTests.renew(&token, at: 50_000) == .maximum)
    let wanted: TokenRecord.Refusal = outcome == 0 ? .maximum : .expired
    #expect(TokenRecordTests.renew(&token, at: 100_000 + offset) == wanted)
    #expect(token.expiresAt == now.adding(seconds: 100))
    #expect(
      TokenRecordTests.use(&token, at: 100_000 + offset) == (outcome == 0 ? nil : .expired)
    )
  }

  @Test
  func aClockThatStepsBackGivesNothing() throws {
    var token = try TokenRecordTests.token()
    #expect(TokenRecordTests.use(&token, at: 59_999) == nil)
    // An hour back: time stands still for this token at what it has seen.
    #expect(TokenRecordTests.renew(&token, at: -3_600_000) == nil)
    #expect(token.expiresAt == now.adding(seconds: 100))
    #expect(TokenRecordTests.use(&token, at: 100_000) == .expired)
    // What has been seen to end stays ended, also over a restart.
    #expect(TokenRecordTests.use(&token, at: -3_600_000) == .expired)
    var stored = try TokenRecord(decoding: token.encoded)
    #expect(!stored.holds(at: now))
    #expect(TokenRecordTests.use(&stored, at: 0) == .expired)
  }

  @Test
  func aClockSetBackBeforeTheStartGivesNoMore() throws {
    var token = try TokenRecordTests.token()
    #expect(TokenRecordTests.renew(&token, at: -1_000_000) == nil)
    #expect(token.expiresAt == now.adding(seconds: 60))
    #expect(token.maximumExpiresAt == now.adding(seconds: 100))
  }

  /// Whatever happens in whatever order, nothing holds at or after its maximum.
  @Test
  func noSequenceOutlivesTheMaximum() throws {
    var random = SeededRandom(seed: 20)
    for _ in 0..<2000 {
      var token = try TokenRecordTests.token(
        ttl: Int64.random(in: 1...50, using: &random),
        maximumTTL: 50
      )
      var latest: Int64 = 0
      for _ in 0..<20 {
        let offset = Int64.random(in: -20_000...60_000, using: &random)
        latest = max(latest, offset)
        let refusal =
          Bool.random(using: &random)
          ? TokenRecordTests.use(&token, at: offset) : TokenRecordTests.renew(&token, at: offset)
        if latest >= 50_000 { #expect(refusal != nil) }
        #expect(token.expiresAt <= token.maximumExpiresAt)
        #expect(token.maximumExpiresAt == now.adding(seconds: 50))
      }
    }
  }

  /// Time itself has an end: numbers at the end of their range neither trap nor last for ever.
  @Test
  func timesAtTheEndOfTheRange() throws {
    let end = Timestamp(milliseconds: .max)
    var token = TokenRecord(
      accessor: try #require(Accessor(.token, random: [UInt8](repeating: 1, count: 16))),
      digest: try #require(CredentialDigest(stored: [UInt8](repeating: 2, count: 32))),
      principal: TokenRecordTests.principal,
      terms: try TokenRecord.Terms(),
      now: end
    )
    #expect(throws: TokenRecord.Refusal.expired) {
      try token.use(now: end, source: nil, certificate: nil)
    }
  }

  /// 0 is never "for ever", for tokens, secret ids and the lifetime of JWTs.
  @Test
  func zeroIsRefused() throws {
    #expect(throws: AuthnError.self) { try TokenRecord.Terms(TokenRequest(ttl: 0)) }
    #expect(throws: AuthnError.self) { try TokenRecord.Terms(TokenRequest(maximumTTL: 0)) }
    #expect(throws: AuthnError.self) { try TokenRecord.Terms(TokenRequest(uses: 0)) }
    let id = try #require(RoleID(random: [UInt8](repeating: 0, count: 16)))
    for document in [
      MachineRoleDocument(name: "r", tokenTTL: 0), MachineRoleDocument(name: "r", tokenUses: 0),
      MachineRoleDocument(name: "r", secretIDTTL: 0),
      MachineRoleDocument(name: "r", secretIDUses: 0),
      MachineRoleDocument(name: "r", tokenMaximumTTL: 0),
    ] {
      #expect(throws: AuthnError.self) { try MachineRoleRecord(document, roleID: id) }
    }
    var document = GenuineToken.github.document(name: "github", keySet: "")
    document.keySet = nil
    document.discovery = true
    document.maximumLifetime = 0
    #expect(throws: AuthnError.self) { try IssuerRecord(document) }
    document.maximumLifetime = 1
    _ = try IssuerRecord(document)
  }

  /// Secret ids end at their millisecond, and a clock that steps back does not bring them back.
  @Test
  func secretIDsEndToo() throws {
    let role = try MachineRoleRecord(
      MachineRoleDocument(name: "r", secretIDTTL: 60),
      roleID: #require(RoleID(random: [UInt8](repeating: 0, count: 16)))
    )
    let record = SecretIDRecord(
      accessor: try #require(Accessor(.secretID, random: [UInt8](repeating: 1, count: 16))),
      role: role,
      digest: try #require(CredentialDigest(stored: [UInt8](repeating: 2, count: 32))),
      now: now
    )
    #expect(record.holds(at: Timestamp(milliseconds: now.milliseconds + 59_999)))
    #expect(!record.holds(at: now.adding(seconds: 60)))
    #expect(record.holds(at: now.adding(seconds: -3600)))
  }
}
