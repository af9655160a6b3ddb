import Foundation
import KeywardAuthn
import KeywardModel
import Testing

/// Issuers whose keys are fetched: what is asked for, when, and what happens meanwhile.
@Suite
struct RemoteIssuerTests {
  /// A forge whose issuer is registered with discovery, with no keys yet.
  static func remote(_ forge: TokenForge, singleUse: Bool? = nil) throws -> (Registry, IssuerID) {
    var document = forge.genuine.document(name: "issuer", keySet: "", singleUse: singleUse)
    document.keySet = nil
    document.discovery = true
    let record = try IssuerRecord(document)
    let id = IssuerID(cluster: nil, name: record.name, url: record.url)
    return (try Registry.empty.applying(.putIssuer(record)), id)
  }

  static func isUnknownKey(_ outcome: JWTOutcome, _ ids: [IssuerID]) -> Bool {
    if case .unknownKeyID(let found) = outcome { return found == ids }
    return false
  }

  static func take(
    _ cache: inout ReplayCache,
    _ token: VerifiedJWT,
    _ time: Timestamp
  ) -> ReplayCache.Decision {
    cache.take(token, now: time)
  }

  @Test
  func keysAreAskedForOnce() throws {
    let forge = try TokenForge(.gitlab)
    let (empty, id) = try Self.remote(forge)
    let tokens = try forge.make([
      forge.order, forge.order { $0.header["kid"] = "k-2" },
      forge.order { $0.header["kid"] = nil }, forge.order { $0.claims["iss"] = "https://evil" },
      forge.order { $0.key = "other" },
    ])
    #expect(empty.remoteIssuers.map(\.hasKeys) == [false])
    #expect(Self.isUnknownKey(empty.verify(jwt: tokens[0], now: now), [id]))
    let keys = try JSONWebKeySet(Array(forge.keySetText.utf8))
    let registry = empty.with(keys, for: id)
    #expect(registry.remoteIssuers.map(\.hasKeys) == [true])
    #expect(registry.verify(jwt: tokens[0], now: now).verified != nil)
    #expect(Self.isUnknownKey(registry.verify(jwt: tokens[1], now: now), [id]))
    #expect(registry.verify(jwt: tokens[2], now: now).refusal == .noKeyID)
    #expect(registry.verify(jwt: tokens[3], now: now).refusal == .unknownIssuer)
    // A bad signature is no reason to fetch.
    #expect(registry.verify(jwt: tokens[4], now: now).refusal == .signature)
    // Keys for an issuer that is not registered change nothing.
    let other = IssuerID(cluster: nil, name: try name("other"), url: id.url)
    #expect(empty.with(keys, for: other).remoteIssuers.map(\.hasKeys) == [false])
    // The keys outlive changes of other records, and go with their own.
    let role = try MachineRoleRecord(
      MachineRoleDocument(name: "r"),
      roleID: #require(RoleID(random: [UInt8](repeating: 0, count: 16)))
    )
    let changed = try registry.applying(.putRole(role))
    #expect(changed.verify(jwt: tokens[0], now: now).verified != nil)
    let removed = try changed.applying(.remove(.issuers, id.name))
    #expect(removed.verify(jwt: tokens[0], now: now).refusal == .unknownIssuer)
  }

  /// Two clusters with one `iss`, one pinned and one remote: the keys of the remote one are fetched only
  /// when no key at hand verifies.
  @Test
  func onlyWhatIsMissingIsAskedFor() throws {
    let forge = try TokenForge(.kubernetes)
    let other = try TokenForge(.kubernetes)
    let pinned = forge.genuine.document(name: "kubernetes", keySet: forge.keySetText)
    var remote = pinned
    remote.keySet = nil
    remote.keySetURL = "https://10.0.0.1:6443/openid/v1/jwks"
    let registry = try registry(
      .putCluster(ClusterRecord(ClusterDocument(name: "a", issuers: [pinned]))),
      .putCluster(ClusterRecord(ClusterDocument(name: "b", issuers: [remote])))
    )
    let id = IssuerID(
      cluster: try name("b"),
      name: try name("kubernetes"),
      url: forge.genuine.url
    )
    let own = try #require(forge.make([forge.order]).first)
    let foreign = try #require(other.make([other.order]).first)
    #expect(registry.verify(jwt: own, now: now).verified?.principal.cluster == "a")
    #expect(Self.isUnknownKey(registry.verify(jwt: foreign, now: now), [id]))
    let both = registry.with(try JSONWebKeySet(Array(other.keySetText.utf8)), for: id)
    #expect(both.verify(jwt: own, now: now).verified?.principal.cluster == "a")
    #expect(both.verify(jwt: foreign, now: now).verified?.principal.cluster == "b")
    // A remote cluster that brings the keys of another one: neither is believed any more.
    let stolen = registry.with(try JSONWebKeySet(Array(forge.keySetText.utf8)), for: id)
    #expect(stolen.conflicts.count == 2)
    #expect(stolen.verify(jwt: own, now: now).refusal == .ambiguous)
  }

  /// A host that signs for many organizations with one key: each `iss` is its own issuer.
  @Test
  func issuersOutsideOfClustersMayShareKeys() throws {
    let forge = try TokenForge(.azure)
    let one = forge.genuine.document(name: "azure-a", keySet: forge.keySetText)
    var two = one
    two.name = "azure-b"
    two.url = "https://vstoken.dev.azure.com/9a4d1f2e-0000-4000-8000-000000000002"
    let both = try registry(.putIssuer(IssuerRecord(one)), .putIssuer(IssuerRecord(two)))
    let tokens = try forge.make([
      forge.order,
      forge.order {
        $0.claims["iss"] = two.url
        $0.claims["org_id"] = "9a4d1f2e-0000-4000-8000-000000000002"
      },
    ])
    #expect(both.verify(jwt: tokens[0], now: now).verified?.principal.issuer == "azure-a")
    #expect(both.verify(jwt: tokens[1], now: now).verified?.principal.issuer == "azure-b")
    // With one `iss` they would be one another, and with a cluster between them as well.
    two.url = one.url
    #expect(throws: AuthnError.self) {
      try registry(.putIssuer(IssuerRecord(one)), .putIssuer(IssuerRecord(two)))
    }
    two.url = "https://kubernetes.default.svc"
    two.preset = "kubernetes"
    let cluster = try ClusterRecord(ClusterDocument(name: "eu", issuers: [two]))
    #expect(throws: AuthnError.self) {
      try registry(.putIssuer(IssuerRecord(one)), .putCluster(cluster))
    }
  }

  @Test
  func freshnessHasItsTimes() {
    var freshness = KeySetFreshness()
    func at(_ seconds: Int64) -> Timestamp { now.adding(seconds: seconds) }
    func tick(_ seconds: Int64) -> Bool { freshness.tick(now: at(seconds)) }
    func unknownKey(_ seconds: Int64) -> Bool { freshness.unknownKey(now: at(seconds)) }
    #expect(!freshness.areUsable(now: at(0)))
    #expect(tick(0))
    // One fetch at a time.
    #expect(!tick(1))
    #expect(!unknownKey(100))
    freshness.fetched(now: at(1))
    #expect(freshness.areUsable(now: at(1)))
    #expect(!unknownKey(29))
    #expect(unknownKey(30))
    freshness.fetched(now: at(31))
    #expect(!tick(3629))
    #expect(tick(3630))
    // The issuer is down: tries come less often, and the keys serve a day from the last fetch.
    freshness.failed()
    var tries = 0
    for second in 3631..<(31 + 86_400) where tick(Int64(second)) {
      tries += 1
      freshness.failed()
    }
    #expect((25...40).contains(tries))
    #expect(freshness.areUsable(now: at(31 + 86_399)))
    #expect(!freshness.areUsable(now: at(31 + 86_400)))
    // A clock that steps back does not stop it.
    #expect(tick(-1000))
    freshness.fetched(now: at(-1000))
    #expect(freshness.areUsable(now: at(-1000)))
  }

  @Test
  func singleUseTokensAreTakenOnce() throws {
    let forge = try TokenForge(.github)
    let registry = try forge.registry(singleUse: true)
    let tokens = try forge.make([
      forge.order, forge.order { $0.claims["jti"] = "other" },
      forge.order { $0.claims["jti"] = nil }, forge.order { $0.claims["iat"] = nil },
    ])
    let first = try #require(registry.verify(jwt: tokens[0], now: now).verified)
    let second = try #require(registry.verify(jwt: tokens[1], now: now).verified)
    #expect(first.isSingleUse)
    #expect(registry.verify(jwt: tokens[2], now: now).refusal == .missing("jti"))
    #expect(registry.verify(jwt: tokens[3], now: now).refusal == .missing("iat"))
    var cache = ReplayCache(begin: now.adding(seconds: -3600), limit: 2)
    #expect(Self.take(&cache, first, now) == .fresh)
    #expect(Self.take(&cache, first, now) == .replayed)
    #expect(Self.take(&cache, first, now.adding(seconds: 659)) == .replayed)
    #expect(Self.take(&cache, second, now) == .fresh)
    let thirdToken = try forge.make([forge.order { $0.claims["jti"] = "third" }])[0]
    let third = try #require(registry.verify(jwt: thirdToken, now: now).verified)
    #expect(Self.take(&cache, third, now) == .full)
    // What has ended makes room, and has ended anyway.
    #expect(Self.take(&cache, third, first.expiresAt) == .fresh)
    #expect(cache.count == 1)
    // After a restart nothing is taken that may have been taken before.
    var restarted = ReplayCache(begin: now)
    #expect(Self.take(&restarted, first, now) == .tooOld)
    var early = ReplayCache(begin: now.adding(seconds: -65))
    #expect(Self.take(&early, first, now) == .fresh)
    var late = ReplayCache(begin: now.adding(seconds: -64))
    #expect(Self.take(&late, first, now) == .tooOld)
    // Nor one of the future: its issuer's clock is ahead, and it may have been taken just before.
    let ahead = try forge.make([forge.order { $0.claims["iat"] = nowSeconds + 30 }])[0]
    let future = try #require(registry.verify(jwt: ahead, now: now).verified)
    #expect(Self.take(&restarted, future, now.adding(seconds: 1)) == .tooOld)
    // Tokens that may be used often are no business of the cache.
    let often = try #require(forge.registry().verify(jwt: tokens[0], now: now).verified)
    #expect(Self.take(&restarted, often, now) == .fresh)
    #expect(Self.take(&restarted, often, now) == .fresh)
    #expect(restarted.count == 0)
  }

  /// Two issuers may use one `jti` for two tokens.
  @Test
  func tokenIDsAreOfTheirIssuer() throws {
    let forge = try TokenForge(.github)
    let other = try TokenForge(.gitlab)
    var cache = ReplayCache(begin: now.adding(seconds: -3600))
    for forge in [forge, other] {
      let token = try #require(forge.make([forge.order]).first)
      let verified = try #require(
        forge.registry(singleUse: true).verify(jwt: token, now: now).verified
      )
      #expect(Self.take(&cache, verified, now) == .fresh)
    }
  }
}
