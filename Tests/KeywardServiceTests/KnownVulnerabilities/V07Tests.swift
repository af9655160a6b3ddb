import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Vault CVE-2022-41316: what was revoked is known only after something touched it.
@Suite
struct V07Tests {
  /// The first request after a start meets what the last one before it met.
  @Test
  func theFirstRequestAfterAStartIsRefused() async throws {
    let server = try await TestServer.unsealed()
    try await server.bindServiceAccount()
    let issuer = try TestIssuer()
    try await server.register("one", issuer)
    let text = try issuer.token(now: server.clock.now())
    let login = try await server.login(LoginRequest(method: .jwt, jwt: text))
    let named = try await server.service.createToken(.officer, TokenRequest(name: "ci"))
    _ = try await server.service.revokeToken(.officer, accessor: named.info.accessor)
    _ = try await server.service.deleteRegistered(.officer, .clusters, "one")
    for bearer in [named.token, login.token, text] {
      try await server.restart()
      await refused(.unauthenticated) { try await server.known(bearer) }
      _ = try await server.service.seal(.officer)
      await refused(.sealed) { try await server.known(bearer) }
      try await server.unseal()
      await refused(.unauthenticated) { try await server.known(bearer) }
    }
  }
}
