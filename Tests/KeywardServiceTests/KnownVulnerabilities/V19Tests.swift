import KeywardModel
import KeywardPolicy
import KeywardService
import KeywardStore
import KeywardTesting
import Testing

/// OpenBao GHSA-rh46-vc3j-w2w3, CVE-2026-46405: an internal operation is reachable, or a result is
/// handed out although an error is returned.
@Suite
struct V19Tests {
  /// What a failed answer had made is neither handed out nor there: the key, the version, the seal.
  @Test
  func anErrorHandsOutNothing() async throws {
    let server = try await TestServer.unsealed(isFaulty: true)
    try await server.create("a/key")
    let seals = try server.store.seals()
    try server.faults.failCommits(.max)
    await refused(.storageFull) { try await server.create("a/new") }
    await refused(.storageFull) { try await server.service.rotateKey(.officer, name: "a/key") }
    await refused(.storageFull) { try await server.kmsEncrypt("a/key") }
    await refused(.storageFull) { try await server.service.rotateKeyring(.officer) }
    try server.faults.failCommits(0)
    await server.tick5()
    try await server.restart()
    #expect(try server.key("a/new") == nil)
    #expect(try server.key("a/key")?.versions.count == 1)
    #expect(try server.service.sealStatus().keyringTerm == 1)
    #expect(try server.store.seals() == seals)
  }

  /// The server's own principal comes from no socket: each way in names another kind.
  @Test
  func theServersOperationsAreNobodyElses() {
    let policy = CompiledPolicy.builtIn(officerUIDs: [0])
    for operation in [ServiceOperation.serverStart, .serverStop, .serverRecover] {
      for caller in [Caller.stranger, .kms("a/key"), .kms("server")] {
        let request = PolicyRequest(caller, operation, .system, time: Timestamp(milliseconds: 0))
        #expect(policy.decide(request) == .defaultDeny)
      }
    }
  }
}

extension TestServer {
  /// One step of maintenance that must not fail.
  fileprivate func tick5() async {
    do { try await tick() } catch { Issue.record("\(error)") }
  }
}
