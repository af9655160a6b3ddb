import KeywardAudit
import KeywardCrypto
import KeywardKeyring
import KeywardModel
import KeywardService
import KeywardStore
import KeywardTesting
import Testing

/// Limits only tighten, whatever route is tried.
@Suite
struct KeyAttributeTests {
  /// One way to loosen a limit of the tight key.
  struct Loosening: CustomTestStringConvertible, Sendable {
    let limit: String
    let request: UpdateKeyRequest

    var testDescription: String { limit }
  }

  static let loosenings: [Loosening] = [
    Loosening(
      limit: "operations",
      request: UpdateKeyRequest(operations: ["encrypt", "decrypt", "wrap"])
    ),
    Loosening(limit: "operations", request: UpdateKeyRequest(operations: ["export"])),
    Loosening(limit: "never_exportable", request: UpdateKeyRequest(neverExportable: false)),
    Loosening(limit: "deletion_protected", request: UpdateKeyRequest(deletionProtected: false)),
    Loosening(
      limit: "allowed_destinations",
      request: UpdateKeyRequest(allowedDestinations: ["aws", "gcp"])
    ),
    Loosening(
      limit: "allowed_destinations",
      request: UpdateKeyRequest(allowedDestinations: ["azure"])
    ),
    Loosening(
      limit: "operations",
      request: UpdateKeyRequest(
        operations: ["decrypt", "derive"],
        neverExportable: true,
        rotationPeriod: 0
      )
    ),
  ]

  private static let name: KeyName = "tight/key"

  private static func tightRequest(approvals: Int = 0) -> CreateKeyRequest {
    CreateKeyRequest(
      name: name.description,
      type: "aes-256",
      operations: ["encrypt", "decrypt"],
      neverExportable: true,
      deletionProtected: true,
      allowedDestinations: ["aws"],
      requiredApprovals: approvals
    )
  }

  @Test(arguments: loosenings)
  func updateRefusesALoosening(_ loosening: Loosening) async throws {
    let server = try await TestServer.unsealed()
    _ = try await server.service.createKey(.officer, Self.tightRequest())
    let before = try #require(try server.key(Self.name)).attributes
    let start = try server.logSize()
    let error = await refused(.keyUsage) {
      try await server.service.updateKey(.officer, name: Self.name, loosening.request)
    }
    #expect(error?.message.contains("'\(loosening.limit)'") == true)
    #expect(try server.key(Self.name)?.attributes == before)
    #expect(try server.events(from: start).map(\.outcome) == [.refused])
    try await server.restart()
    #expect(try server.key(Self.name)?.attributes == before)
  }

  @Test
  func updateTightensEachLimit() async throws {
    let server = try await TestServer.unsealed()
    try await server.create("loose/key")
    let steps: [UpdateKeyRequest] = [
      UpdateKeyRequest(operations: ["encrypt", "decrypt"]),
      UpdateKeyRequest(operations: ["decrypt"]),
      UpdateKeyRequest(neverExportable: true),
      UpdateKeyRequest(allowedDestinations: ["aws", "gcp"]),
      UpdateKeyRequest(allowedDestinations: ["gcp"]),
      UpdateKeyRequest(allowedDestinations: []),
      UpdateKeyRequest(rotationPeriod: 3600),
      UpdateKeyRequest(rotationPeriod: 0),
      UpdateKeyRequest(deletionProtected: true),
      UpdateKeyRequest(requiredApprovals: 2),
    ]
    for step in steps {
      _ = try await server.service.updateKey(.officer, name: "loose/key", step)
    }
    let expected = KeyAttributes(
      operations: [.decrypt],
      neverExportable: true,
      deletionProtected: true,
      allowedDestinations: [],
      requiredApprovals: 2
    )
    #expect(try server.key("loose/key")?.attributes == expected)
    try await server.restart()
    #expect(try server.key("loose/key")?.attributes == expected)
  }

  /// The other routes that write a key: the next version by import, rotation by hand and by time,
  /// creation under the same name, and a restart.
  @Test
  func noOtherRouteLoosens() async throws {
    let server = try await TestServer.unsealed()
    _ = try await server.service.createKey(.officer, Self.tightRequest())
    let tight = try #require(try server.key(Self.name))
    try await server.importVersion(Self.name, .aes256)
    _ = try await server.service.rotateKey(.officer, name: Self.name)
    #expect(try server.key(Self.name)?.attributes == tight.attributes)
    #expect(try server.key(Self.name)?.versions.count == 3)
    await refused(.alreadyExists) { try await server.create(Self.name.description) }
    await refused(.alreadyExists) { try await server.importKey(Self.name, .aes256) }
    #expect(try server.key(Self.name)?.id == tight.id)
    try await server.restart()
    #expect(try server.key(Self.name)?.attributes == tight.attributes)
    // The refused name has left nothing behind that a restart would bring up.
    #expect(try server.service.unsealed().directory.all().count == 1)
  }

  /// What is wrapped for an exportable key does not open once the key is never exportable, and the
  /// other way about: old wrapped bytes put back beside an edited row are of no use.
  @Test
  func neverExportableIsPartOfTheWrapping() async throws {
    let server = try await TestServer.unsealed()
    try await server.create("export/me")
    let made = try await KeyUse.artefacts(server, "export/me", .aes256)
    _ = try await server.service.rotateKey(.officer, name: "export/me")
    let before = try #require(try server.key("export/me"))
    _ = try await server.service.updateKey(
      .officer,
      name: "export/me",
      UpdateKeyRequest(neverExportable: true)
    )
    let after = try #require(try server.key("export/me"))
    let keyring = try server.service.unsealed().keyring()
    for (old, new) in zip(before.versions, after.versions) {
      #expect(old.material != new.material)
      let plain = try keyring.unwrapMaterial(old.material, MaterialContext(before, old))
      #expect(
        plain.constantTimeEquals(
          try keyring.unwrapMaterial(new.material, MaterialContext(after, new))
        )
      )
      for (material, key) in [(old.material, after), (new.material, before)] {
        #expect(throws: KeyringError.decryptionFailed) {
          _ = try keyring.unwrapMaterial(material, MaterialContext(key, new)).count
        }
      }
    }
    // Both versions go on working, also after a restart.
    for _ in 0..<2 {
      _ = try await KeyUse.decrypt.perform(server, "export/me", version: 1, made)
      _ = try await KeyUse.encrypt.perform(server, "export/me", version: nil, made)
      try await server.restart()
    }
  }

  @Test
  func deletionProtectedKeysAreNeverDestroyed() async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    _ = try await service.createKey(.officer, Self.tightRequest())
    _ = try await service.rotateKey(.officer, name: Self.name)
    for version in [nil, 1, 2] {
      for delay in [nil, 0, 3600] as [Int64?] {
        await refused(.keyUsage) {
          try await service.destroyKey(
            .officer,
            name: Self.name,
            version: version,
            after: delay
          )
        }
      }
    }
    server.clock.advance(seconds: 400_000_000)
    try await server.tick()
    #expect(try server.key(Self.name)?.versions.map(\.state) == [.deactivated, .active])
  }

  /// Protection is not given to a key whose destruction is under way: it would promise too much.
  @Test
  func aKeyThatWaitsForDestructionIsNotProtectedByTheWay() async throws {
    let server = try await TestServer.unsealed()
    try await server.create("going/away")
    let service = try server.service
    _ = try await service.destroyKey(.officer, name: "going/away", version: nil, after: 3600)
    await refused(.keyState) {
      try await service.updateKey(
        .officer,
        name: "going/away",
        UpdateKeyRequest(deletionProtected: true)
      )
    }
    _ = try await service.undestroyKey(.officer, name: "going/away", version: nil)
    _ = try await service.updateKey(
      .officer,
      name: "going/away",
      UpdateKeyRequest(deletionProtected: true)
    )
    server.clock.advance(seconds: 7200)
    try await server.tick()
    #expect(try server.key("going/away")?.primary?.number == 1)
  }

  /// Approvals cannot be given yet, so what asks for them does not go through.
  @Test
  func requiredApprovalsRefuseEveryChange() async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    var request = Self.tightRequest(approvals: 1)
    request.deletionProtected = nil
    request.rotationPeriod = 3600
    _ = try await service.createKey(.officer, request)
    let name = Self.name
    let before = try #require(try server.key(name))
    let start = try server.logSize()
    await refused(.approvalRequired) { try await service.rotateKey(.officer, name: name) }
    await refused(.approvalRequired) { try await server.importVersion(name, .aes256) }
    await refused(.approvalRequired) {
      try await service.setState(.officer, name: name, version: 1, to: .suspended)
    }
    await refused(.approvalRequired) {
      try await service.destroyKey(.officer, name: name, version: nil, after: nil)
    }
    for request in [
      UpdateKeyRequest(requiredApprovals: 0), UpdateKeyRequest(requiredApprovals: 2),
      UpdateKeyRequest(rotationPeriod: 0), UpdateKeyRequest(operations: ["decrypt"]),
    ] {
      await refused(.approvalRequired) {
        try await service.updateKey(.officer, name: name, request)
      }
    }
    let events = try server.events(from: start)
    #expect(events.map(\.reason) == Array(repeating: "approval_required", count: 8))
    #expect(events.map(\.outcome) == Array(repeating: .refused, count: 8))
    // What is due by time is a change too; it waits without filling the log.
    server.clock.advance(seconds: 7200)
    for _ in 0..<3 { try await server.tick() }
    #expect(try server.logSize() == start + 8)
    #expect(try server.key(name) === before)
    // Using the key is no change.
    _ = try await KeyUse.encrypt.perform(server, name, version: nil, KeyUse.Artefacts())
  }

  /// A key does what its own operations say, not what its type could.
  @Test
  func operationsBoundWhatTheTypeCould() async throws {
    let server = try await TestServer.unsealed()
    for (index, operation) in ["encrypt", "decrypt", "wrap", "unwrap", "derive"].enumerated() {
      let name = try KeyName("only/\(operation)")
      let whole = try KeyName("all/k\(index)")
      try await server.importKey(whole, .aes256)
      let made = try await KeyUse.artefacts(server, whole, .aes256)
      try await server.importKey(name, .aes256, operations: [operation])
      for use in KeyUse.allCases where use.rawValue != operation && use != .rewrap {
        await refused(.keyUsage, "\(operation) \(use)") {
          try await use.perform(server, name, version: nil, made)
        }
      }
      // Rewrap takes both halves, so it is no way around either.
      await refused(operation == "decrypt" ? .decryptionFailed : .keyUsage) {
        try await KeyUse.rewrap.perform(server, name, version: nil, made)
      }
    }
  }
}
