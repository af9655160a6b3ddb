import KeywardAudit
import KeywardKeyring
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// A new keyring term, and the rewrap behind it.
@Suite
struct KeyringRotationTests {
  @Test
  func rotationRewrapsInTheBackground() async throws {
    let server = try await TestServer.unsealed()
    var made: [(KeyName, KeyUse.Artefacts)] = []
    for index in 0..<5 {
      let name = try KeyName("old/k\(index)")
      try await server.create(name.description)
      made.append((name, try await KeyUse.artefacts(server, name, .aes256)))
      _ = try await server.service.rotateKey(.officer, name: name)
    }
    _ = try await server.service.destroyKey(.officer, name: "old/k4", version: 1, after: 0)
    let rotation = try await server.service.rotateKeyring(.officer)
    #expect(rotation.keyringTerm == 2)
    #expect(rotation.rewrapPending == 5)
    #expect(try server.service.sealStatus().rewrapPending == 5)
    // Half done or not at all: everything opens, over a restart too.
    try await server.restart()
    #expect(try server.service.sealStatus().rewrapPending == 5)
    try await check(server, made)
    let start = try server.logSize()
    try await server.tick()
    #expect(try server.service.sealStatus().rewrapPending == 0)
    let events = try server.events(from: start).filter { $0.operation == "operator:rotate" }
    #expect(events.map(\.outcome) == [.allowed])
    #expect(events.map(\.principal.kind) == [.server])
    for key in try server.service.unsealed().directory.all() {
      for version in key.versions where !version.material.isEmpty {
        #expect(Envelope.version(of: version.material) == 2)
      }
    }
    try await check(server, made)
    try await server.restart()
    #expect(try server.service.sealStatus().rewrapPending == 0)
    try await check(server, made)
    #expect(try server.key("old/k4")?.version(1)?.state == .destroyed)
    let report = try await server.service.fsck(.officer)
    #expect(report.ok, "\(report.findings)")
  }

  /// A rewrap that cannot be written goes on later, and loses nothing.
  @Test
  func aRewrapThatFailsGoesOnLater() async throws {
    let server = try await TestServer.unsealed(isFaulty: true)
    try await server.create("old/key")
    let made = try await KeyUse.artefacts(server, "old/key", .aes256)
    _ = try await server.service.rotateKeyring(.officer)
    try server.faults.failCommits(2)
    // Step 1 probes nothing, so the rewrap itself meets the fault.
    try await server.service.tick(1)
    #expect(try server.service.sealStatus().rewrapPending == 1)
    try await server.service.tick(2)
    try await server.service.tick(3)
    #expect(try server.service.sealStatus().rewrapPending == 0)
    try await check(server, [("old/key", made)])
    try await server.restart()
    try await check(server, [("old/key", made)])
  }

  /// A version waiting for destruction is wrapped anew as well, and stays useless.
  @Test
  func whatWaitsForDestructionIsRewrappedToo() async throws {
    let server = try await TestServer.unsealed()
    try await server.create("old/key")
    let made = try await KeyUse.artefacts(server, "old/key", .aes256)
    _ = try await server.service.destroyKey(.officer, name: "old/key", version: nil, after: 3600)
    _ = try await server.service.rotateKeyring(.officer)
    try await server.tick()
    #expect(try server.service.sealStatus().rewrapPending == 0)
    await refused(.keyState) {
      try await KeyUse.decrypt.perform(server, "old/key", version: nil, made)
    }
    _ = try await server.service.undestroyKey(.officer, name: "old/key", version: nil)
    try await check(server, [("old/key", made)])
  }

  private func check(
    _ server: TestServer,
    _ made: [(KeyName, KeyUse.Artefacts)]
  ) async throws {
    for (name, artefacts) in made where try server.key(name)?.version(1)?.state != .destroyed {
      #expect(
        try await KeyUse.decrypt.perform(server, name, version: 1, artefacts) == 1
      )
    }
  }
}
