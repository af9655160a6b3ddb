import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Access tokens from their making to their end.
@Suite
struct TokenTests {
  private static func make(
    _ server: TestServer,
    _ change: (inout TokenRequest) -> Void = { _ in }
  ) async throws -> IssuedToken {
    var request = TokenRequest(name: "ci", ttl: 100, maximumTTL: 300)
    change(&request)
    return try await server.service.createToken(.officer, request)
  }

  @Test
  func aTokenIsItsNameAndNothingElse() async throws {
    let server = try await TestServer.unsealed()
    let made = try await Self.make(server)
    let caller = try await server.known(made.token)
    #expect(caller.principal == Principal(kind: .token, name: "ci"))
    #expect(caller.accessor == made.info.accessor)
    for wrong in [
      "", made.token + "A", String(made.token.dropLast()), made.token.lowercased(),
      made.token.replacing("kwt_", with: "kws_"), made.info.accessor,
    ] where BearerCredential(wrong) != nil {
      await refused(.unauthenticated) { try await server.known(wrong) }
    }
    // It is in no file of the store, neither whole nor its secret part.
    await server.stop()
    let secret = Array(made.token.dropFirst(4).utf8)
    for (name, content) in try server.folder.contents() {
      #expect(content.firstRange(of: secret) == nil, "\(name)")
    }
  }

  /// Uses are counted in the store, over restarts, and by many at once.
  @Test
  func usesAreCounted() async throws {
    let server = try await TestServer.unsealed()
    let token = try await Self.make(server) { $0.uses = 3 }.token
    _ = try await server.known(token)
    try await server.restart()
    _ = try await server.known(token)
    _ = try await server.service.seal(.officer)
    try await server.unseal()
    _ = try await server.known(token)
    await refused(.unauthenticated) { try await server.known(token) }
    try await server.restart()
    await refused(.unauthenticated) { try await server.known(token) }
    let many = try await Self.make(server) { $0.uses = 5 }.token
    let taken = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<40 { group.addTask { (try? await server.known(many)) != nil } }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(taken == 5)
  }

  /// Only a token that a use does not change is known without waiting, and asking leaves no trace.
  @Test
  func whatTakesNoWritingIsKnownAtOnce() async throws {
    let server = try await TestServer.unsealed()
    let plain = try await Self.make(server)
    let counted = try await Self.make(server) { $0.uses = 1 }
    let size = try server.logSize()
    #expect(try server.knownAtOnce(plain.token)?.accessor == plain.info.accessor)
    #expect(try server.knownAtOnce(counted.token) == nil)
    #expect(try server.knownAtOnce(String(plain.token.dropLast()) + "~") == nil)
    #expect(try server.knownAtOnce("head.claims.signature") == nil)
    #expect(try server.knownAtOnce("", peer: .unix(uid: 7, pid: 8))?.principal.uid == 7)
    #expect(try server.logSize() == size)
    _ = try await server.known(counted.token)
    _ = try await server.service.seal(.officer)
    #expect(try server.knownAtOnce(plain.token) == nil)
  }

  @Test
  func revokedIsRefusedFromTheNextRequestOn() async throws {
    let server = try await TestServer.unsealed()
    let made = try await Self.make(server)
    _ = try await server.service.revokeToken(.officer, accessor: made.info.accessor)
    await refused(.unauthenticated) { try await server.known(made.token) }
    await refused(.notFound) {
      try await server.service.renewToken(.officer, accessor: made.info.accessor, increment: nil)
    }
    try await server.restart()
    await refused(.unauthenticated) { try await server.known(made.token) }
  }

  @Test
  func boundNetworksHold() async throws {
    let server = try await TestServer.unsealed()
    let token = try await Self.make(server) { $0.networks = ["192.0.2.0/24", "2001:db8::/32"] }
      .token
    func from(_ text: String) throws -> Peer {
      .network(try #require(NetworkAddress(text)), certificates: [])
    }
    for address in ["192.0.2.0", "192.0.2.255", "2001:db8::1", "::ffff:192.0.2.9"] {
      _ = try await server.known(token, peer: try from(address))
    }
    for address in ["192.0.3.0", "198.51.100.1", "2001:db9::", "::1", "127.0.0.1"] {
      await refused(.unauthenticated, "\(address)") {
        try await server.known(token, peer: try from(address))
      }
    }
    // Over a Unix socket there is no address.
    await refused(.unauthenticated) { try await server.known(token, peer: .unix(uid: 0, pid: 1)) }
  }

  /// A token for the same identity is bound as the one that makes it, and ends with it.
  @Test
  func aTokenMadeWithATokenIsNoMore() async throws {
    let server = try await TestServer.unsealed()
    try await server.apply(
      """
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: ci}
      spec: {role: security-officer, subjects: [{issuer: tokens, name: ci}]}
      """
    )
    let parent = try await Self.make(server) { $0.networks = ["192.0.2.0/24"] }
    let caller = try await server.known(parent.token)
    let child = try await server.service.createToken(
      caller,
      TokenRequest(ttl: 86_400, maximumTTL: 86_400)
    )
    #expect(child.info.networks == ["192.0.2.0/24"])
    #expect(child.info.maximumExpiresAt == parent.info.expiresAt)
    let elsewhere = Peer.network(try #require(NetworkAddress("198.51.100.1")), certificates: [])
    await refused(.unauthenticated) { try await server.known(child.token, peer: elsewhere) }
    let narrow = try await server.service.createToken(caller, TokenRequest(networks: ["192.0.2.7"]))
    #expect(narrow.info.networks == ["192.0.2.7/32"])
    for wide in ["0.0.0.0/0", "192.0.0.0/16", "198.51.100.1", "::/0"] {
      await refused(.invalidRequest, "\(wide)") {
        try await server.service.createToken(caller, TokenRequest(networks: [wide]))
      }
    }
    let grandchild = try await server.service.createToken(
      try await server.known(child.token),
      TokenRequest()
    )
    let other = try await Self.make(server)
    _ = try await server.service.revokeToken(.officer, accessor: parent.info.accessor)
    for token in [parent, child, narrow, grandchild] {
      await refused(.unauthenticated) { try await server.known(token.token) }
    }
    _ = try await server.known(other.token)
    try await server.restart()
    for token in [parent, child, narrow, grandchild] {
      await refused(.unauthenticated) { try await server.known(token.token) }
    }
  }

  /// Counted uses, a JWT and a certificate are no way to a token without their limit.
  @Test
  func whatEndsByItselfMakesNoTokenOfItsOwn() async throws {
    let server = try await TestServer.unsealed()
    try await server.apply(
      """
      apiVersion: keyward.dev/v1
      kind: Binding
      metadata: {name: all}
      spec:
        role: security-officer
        subjects: [{issuer: tokens, name: ci}, {issuer: kubernetes, cluster: "*", name: "system:serviceaccount:apps:kms"}]
      """
    )
    let counted = try await Self.make(server) { $0.uses = 2 }
    let caller = try await server.known(counted.token)
    await refused(.invalidRequest) {
      try await server.service.createToken(caller, TokenRequest())
    }
    let issuer = try TestIssuer()
    try await server.register("one", issuer)
    let once = try await server.known(issuer.token(now: server.clock.now()))
    await refused(.invalidRequest) { try await server.service.createToken(once, TokenRequest()) }
    await refused(.invalidRequest) {
      try await server.service.createToken(.officer, TokenRequest())
    }
  }

  @Test(arguments: [
    TokenRequest(name: "ci", ttl: 0), TokenRequest(name: "ci", ttl: -1),
    TokenRequest(name: "ci", maximumTTL: 0), TokenRequest(name: "ci", ttl: .max),
    TokenRequest(name: "ci", ttl: 20, maximumTTL: 10), TokenRequest(name: "ci", uses: 0),
    TokenRequest(name: "ci", uses: -1), TokenRequest(name: "ci", networks: ["10.0.0.1/8"]),
    TokenRequest(name: "ci", networks: ["0.0.0.0/33"]), TokenRequest(name: ""),
    TokenRequest(name: "a b"), TokenRequest(name: "a\u{0}"), TokenRequest(name: "\u{ff41}"),
    TokenRequest(name: String(repeating: "a", count: 129)),
    TokenRequest(name: "ci", environment: "a/b"), TokenRequest(environment: "prod"),
  ])
  func requestsThatAreWrongAreRefused(_ request: TokenRequest) async throws {
    let server = try await TestServer.unsealed()
    await refused(.invalidRequest) { try await server.service.createToken(.officer, request) }
    #expect(
      try await server.service.listTokens(.officer, limit: 10, cursor: nil).tokens.isEmpty
    )
  }
}
