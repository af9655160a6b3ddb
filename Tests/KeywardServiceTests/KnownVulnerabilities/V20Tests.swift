import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Vault CVE-2021-32923, CVE-2020-25816: a lease at its edges lives for ever.
@Suite
struct V20Tests {
  /// Renewed at the last moment, at the end and after it; the maximum is passed by nothing.
  @Test
  func noRenewalReachesBeyondTheMaximum() async throws {
    let server = try await TestServer.unsealed()
    let made = try await server.service.createToken(
      .officer,
      TokenRequest(name: "ci", ttl: 100, maximumTTL: 250)
    )
    let accessor = made.info.accessor
    func renew(_ increment: Int64? = nil) async throws -> TokenInfo {
      try await server.service.renewToken(.officer, accessor: accessor, increment: increment)
    }
    server.clock.advance(seconds: 99)
    // Less than what is left does not shorten it, and 0 is not "for ever".
    #expect(try await renew(1).expiresAt == made.info.expiresAt)
    #expect(try await renew(0).expiresAt == made.info.expiresAt)
    #expect(try await renew(-5).expiresAt == made.info.expiresAt)
    #expect(try await renew(.max).expiresAt > made.info.expiresAt)
    server.clock.advance(seconds: 99)
    #expect(try await renew().expiresAt == made.info.maximumExpiresAt)
    await refused(.conflict) { try await renew() }
    server.clock.advance(seconds: 51)
    _ = try await server.known(made.token)
    server.clock.advance(seconds: 1)
    await refused(.unauthenticated) { try await server.known(made.token) }
    await refused(.conflict) { try await renew() }
    try await server.restart()
    await refused(.unauthenticated) { try await server.known(made.token) }
  }

  /// A clock set back brings nothing to life, not even over a restart with an old clock.
  @Test
  func aClockSetBackRevivesNothing() async throws {
    let server = try await TestServer.unsealed()
    let made = try await server.service.createToken(.officer, TokenRequest(name: "ci", ttl: 100))
    server.clock.advance(seconds: 100)
    await refused(.unauthenticated) { try await server.known(made.token) }
    server.clock.advance(seconds: -50)
    await refused(.unauthenticated) { try await server.known(made.token) }
    await refused(.conflict) {
      try await server.service.renewToken(
        .officer,
        accessor: made.info.accessor,
        increment: nil
      )
    }
  }

  /// What is made from a credential ends with it at the latest.
  @Test
  func nothingOutlivesWhatItWasMadeOf() async throws {
    let server = try await TestServer.unsealed()
    try await server.bindServiceAccount()
    let issuer = try TestIssuer()
    try await server.register("one", issuer)
    let text = try issuer.token(now: server.clock.now())
    // Ten minutes, and the skew for which the JWT itself is taken.
    let end = server.clock.now().adding(seconds: 660).rfc3339
    for ttl in [nil, 1, 600, 86_400, 366 * 86_400] as [Int64?] {
      let made = try await server.login(LoginRequest(method: .jwt, jwt: text, ttl: ttl))
      #expect(made.info.maximumExpiresAt <= end)
      #expect(made.info.expiresAt <= end)
    }
    for ttl in [0, -1, .min, .max] as [Int64] {
      await refused(.invalidRequest, "\(ttl)") {
        try await server.login(LoginRequest(method: .jwt, jwt: text, ttl: ttl))
      }
    }
  }
}
