import KeywardAudit
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Creation, import, rotation and destruction on a clock moved by hand.
@Suite
struct KeyLifeTests {
  private static let name: KeyName = "life/key"
  private static let week: Int64 = 7 * 86_400

  @Test
  func destructionWaitsForItsWindow() async throws {
    let server = try await TestServer.unsealed()
    try await server.create(Self.name.description)
    let made = try await KeyUse.artefacts(server, Self.name, .aes256)
    let service = try server.service
    let info = try await service.destroyKey(.officer, name: Self.name, version: nil, after: nil)
    let due = server.clock.now().adding(seconds: Self.week)
    #expect(info.versions?.map(\.destroyAt) == [due.rfc3339])
    #expect(info.primaryVersion == nil)
    // Not a second before, and nothing is done with it meanwhile.
    server.clock.advance(seconds: Self.week - 1)
    try await server.tick()
    #expect(try server.key(Self.name)?.version(1)?.state == .active)
    for use in [KeyUse.decrypt, .encrypt, .unwrap, .wrap, .derive, .rewrap] {
      await refused(.keyState) {
        try await use.perform(server, Self.name, version: nil, made)
      }
    }
    await refused(.keyState) { try await service.rotateKey(.officer, name: Self.name) }
    await refused(.keyState) { try await server.importVersion(Self.name, .aes256) }
    await refused(.alreadyExists) { try await server.create(Self.name.description) }
    server.clock.advance(seconds: 1)
    try await server.tick()
    #expect(try server.key(Self.name) == nil)
    let destroyed = try server.events().last { $0.operation == "key:destroy" }
    #expect(destroyed?.principal.kind == .server)
    #expect(destroyed?.rule == "server")
    #expect(destroyed?.outcome == .allowed)
  }

  @Test
  func undestroyTakesTheOrderBack() async throws {
    let server = try await TestServer.unsealed()
    try await server.create(Self.name.description)
    let made = try await KeyUse.artefacts(server, Self.name, .aes256)
    await refused(.keyState) {
      try await server.service.undestroyKey(.officer, name: Self.name, version: nil)
    }
    _ = try await server.service.destroyKey(.officer, name: Self.name, version: nil, after: 60)
    try await server.restart()
    let info = try await server.service.undestroyKey(.officer, name: Self.name, version: nil)
    #expect(info.primaryVersion == 1)
    server.clock.advance(seconds: 3600)
    try await server.tick()
    _ = try await KeyUse.decrypt.perform(server, Self.name, version: nil, made)
  }

  /// What was destroyed stays so: by undestroy, by state, by restart.
  @Test
  func destroyedNeverComesBack() async throws {
    let server = try await TestServer.unsealed()
    try await server.create(Self.name.description)
    let made = try await KeyUse.artefacts(server, Self.name, .aes256)
    _ = try await server.service.rotateKey(.officer, name: Self.name)
    _ = try await server.service.destroyKey(.officer, name: Self.name, version: 1, after: 0)
    for _ in 0..<2 {
      let version = try #require(try server.key(Self.name)?.version(1))
      #expect(version.state == .destroyed)
      #expect(version.material == [])
      #expect(version.destroyedAt != nil)
      await refused(.keyState) {
        try await server.service.undestroyKey(.officer, name: Self.name, version: 1)
      }
      await refused(.keyState) {
        try await server.service.destroyKey(.officer, name: Self.name, version: 1, after: 0)
      }
      for state in KeyState.allCases where state != .destroyed {
        await refused(.keyState) {
          try await server.service.setState(.officer, name: Self.name, version: 1, to: state)
        }
      }
      await refused(.keyState) {
        try await KeyUse.decrypt.perform(server, Self.name, version: nil, made)
      }
      try await server.restart()
    }
  }

  @Test
  func anActiveVersionIsNotDestroyedAlone() async throws {
    let server = try await TestServer.unsealed()
    try await server.create(Self.name.description)
    let service = try server.service
    await refused(.keyState) {
      try await service.destroyKey(.officer, name: Self.name, version: 1, after: 0)
    }
    await refused(.notFound) {
      try await service.destroyKey(.officer, name: Self.name, version: 2, after: 0)
    }
    for delay in [-1, 315_360_001, Int64.max, Int64.min] {
      await refused(.invalidRequest) {
        try await service.destroyKey(.officer, name: Self.name, version: nil, after: delay)
      }
    }
    #expect(try server.key(Self.name)?.primary?.number == 1)
  }

  /// A former version that waits does not keep its key from being rotated.
  @Test
  func aFormerVersionMayWaitDuringRotation() async throws {
    let server = try await TestServer.unsealed()
    try await server.create(Self.name.description)
    let service = try server.service
    _ = try await service.rotateKey(.officer, name: Self.name)
    _ = try await service.destroyKey(.officer, name: Self.name, version: 1, after: 3600)
    #expect(try await service.rotateKey(.officer, name: Self.name).primaryVersion == 3)
    let info = try await service.showKey(.officer, name: Self.name)
    #expect(info.versions?.map(\.state) == [.deactivated, .deactivated, .active])
    #expect(info.versions?[0].destroyAt != nil)
    server.clock.advance(seconds: 3600)
    try await server.tick()
    #expect(
      try server.key(Self.name)?.versions.map(\.state) == [.destroyed, .deactivated, .active]
    )
  }

  /// An answer with every version made each rotation slower than the one before.
  @Test
  func anAnswerOfRotateHasTheNewVersionOnly() async throws {
    let server = try await TestServer.unsealed()
    try await server.create(Self.name.description)
    let service = try server.service
    for number in 2...5 {
      let info = try await service.rotateKey(.officer, name: Self.name)
      let shown = try await service.showKey(.officer, name: Self.name)
      #expect(info.versions?.map(\.version) == [number])
      #expect(info.versions == shown.versions?.suffix(1))
      #expect(info.versionCount == number && info.primaryVersion == number)
      #expect(shown.versions?.map(\.version) == Array(1...number))
    }
  }

  /// A version that was rotated out protects nothing any more, whatever is done with it after: a
  /// key_id that came back would break kube-apiserver's order of things (A, B, A).
  @Test
  func aVersionThatWasRotatedOutDoesNotComeBack() async throws {
    let server = try await TestServer.unsealed()
    try await server.create(Self.name.description)
    let service = try server.service
    let first = try service.kmsStatus(Self.name).keyID
    _ = try await service.setState(.officer, name: Self.name, version: 1, to: .suspended)
    _ = try await service.rotateKey(.officer, name: Self.name)
    let second = try service.kmsStatus(Self.name).keyID
    #expect(second != first)
    await refused(.keyState) {
      try await service.setState(.officer, name: Self.name, version: 1, to: .active)
    }
    _ = try await service.setState(.officer, name: Self.name, version: 2, to: .suspended)
    await refused(.keyState) { try service.kmsStatus(Self.name) }
    _ = try await service.setState(.officer, name: Self.name, version: 2, to: .active)
    #expect(try service.kmsStatus(Self.name).keyID == second)
    // Nor by way of an order to destroy that is taken back.
    _ = try await service.setState(.officer, name: Self.name, version: 1, to: .deactivated)
    _ = try await service.destroyKey(.officer, name: Self.name, version: 1, after: 60)
    _ = try await service.rotateKey(.officer, name: Self.name)
    _ = try await service.undestroyKey(.officer, name: Self.name, version: 1)
    #expect(
      try server.key(Self.name)?.versions.map(\.state) == [.deactivated, .deactivated, .active]
    )
  }

  @Test
  func rotationFallsDue() async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    _ = try await service.createKey(
      .officer,
      CreateKeyRequest(name: Self.name.description, type: "aes-256", rotationPeriod: 86_400)
    )
    let made = try await server.service.encrypt(
      .officer,
      name: Self.name,
      CryptoRequest(),
      plaintext: .of("old")
    )
    server.clock.advance(seconds: 86_399)
    try await server.tick()
    #expect(try server.key(Self.name)?.versions.count == 1)
    server.clock.advance(seconds: 1)
    for _ in 0..<3 { try await server.tick() }
    #expect(try server.key(Self.name)?.versions.map(\.state) == [.deactivated, .active])
    let event = try server.events().last { $0.operation == "key:rotate" }
    #expect(event?.principal.kind == .server)
    #expect(event?.key?.version == 2)
    // A long stop makes one rotation due, not one for each period that passed.
    server.clock.advance(seconds: 30 * 86_400)
    for _ in 0..<3 { try await server.tick() }
    #expect(try server.key(Self.name)?.versions.count == 3)
    let old = try await service.decrypt(
      .officer,
      name: Self.name,
      CryptoRequest(),
      ciphertext: made.value
    )
    #expect(old.value.text == "old")
    #expect(old.version == 1)
  }

  /// A clock that was set back pauses both, over a restart too, and shows in the status.
  @Test
  func aClockSetBackPausesWhatIsDue() async throws {
    let server = try await TestServer.unsealed()
    _ = try await server.service.createKey(
      .officer,
      CreateKeyRequest(name: "turning/key", type: "aes-256", rotationPeriod: 3600)
    )
    try await server.create(Self.name.description)
    _ = try await server.service.destroyKey(.officer, name: Self.name, version: nil, after: 3600)
    server.clock.advance(seconds: 7200)
    // The server sees the later time before it is asked for what is due.
    _ = try await server.service.showKey(.officer, name: Self.name)
    server.clock.advance(seconds: -3000)
    for _ in 0..<2 {
      try await server.tick()
      #expect(try server.key(Self.name)?.version(1)?.state == .active)
      #expect(try server.key("turning/key")?.versions.count == 1)
      #expect(try server.service.sealStatus().reason?.contains("clock") == true)
      try await server.restart()
      try await server.tick()
    }
    // Times of entries never run backwards.
    let times = try server.events().map(\.time)
    #expect(times == times.sorted())
    server.clock.advance(seconds: 3000)
    try await server.tick()
    #expect(try server.key(Self.name) == nil)
    #expect(try server.key("turning/key")?.versions.count == 2)
    #expect(try server.service.sealStatus().reason == nil)
  }

  @Test
  func aNameUsedAgainIsAnotherKey() async throws {
    let server = try await TestServer.unsealed()
    var ids: Set<String> = []
    var keyIDs: Set<String> = []
    var ciphertexts: [[UInt8]] = []
    for round in 1...3 {
      let info = try await server.create(Self.name.description)
      #expect(ids.insert(info.id).inserted)
      let keyID = try #require(info.versions?.first?.kmsKeyID)
      #expect(keyIDs.insert(keyID).inserted)
      for old in ciphertexts {
        await refused(.decryptionFailed) {
          try await server.service.decrypt(
            .officer,
            name: Self.name,
            CryptoRequest(),
            ciphertext: old
          )
        }
      }
      ciphertexts.append(
        try await server.service.encrypt(
          .officer,
          name: Self.name,
          CryptoRequest(),
          plaintext: .of("round \(round)")
        ).value
      )
      _ = try await server.service.destroyKey(.officer, name: Self.name, version: nil, after: 0)
      #expect(try server.key(Self.name) == nil)
    }
    let page = try await server.service.listKeys(
      .officer,
      prefix: "life/",
      limit: 10,
      cursor: nil,
      deleted: true
    )
    #expect(Set(page.keys.map(\.id)) == ids)
    #expect(page.keys.allSatisfy { $0.deletedAt != nil })
  }

  /// Identities come from 128 random bits each: those of 2,000 versions, made side by side, are
  /// apart, and no version is lost or doubled.
  @Test
  func identitiesAreUniqueAndNumbersWithoutGaps() async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    let keys = 100
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<keys {
        group.addTask {
          do {
            let name = try KeyName("many/k\(index)")
            try await server.create(name.description)
            for _ in 1..<20 { _ = try await service.rotateKey(.officer, name: name) }
          } catch {
            Issue.record("\(error)")
          }
        }
      }
    }
    let all = try service.unsealed().directory.all()
    let ids = all.flatMap { $0.versions.map(\.kmsKeyID) }
    #expect(ids.count == 2000)
    #expect(Set(ids).count == 2000)
    #expect(Set(all.map(\.id)).count == keys)
    for key in all {
      #expect(key.versions.map(\.number) == Array(1...20))
      #expect(key.versions.count { $0.state == .active } == 1)
    }
  }

  /// Material that is refused leaves nothing; what is taken is what was given.
  @Test(arguments: KeyType.allCases)
  func importTakesTheRightFormAlone(_ type: KeyType) async throws {
    let server = try await TestServer.unsealed()
    let right = try KeyFixtures.material(type)
    var wrong: [([UInt8], ImportRequest.Format)] = [
      (right, type.isKeyPair ? .raw : .pkcs8), ([], type.isKeyPair ? .pkcs8 : .raw),
    ]
    if type.isKeyPair {
      wrong.append((right + [0], .pkcs8))
      wrong.append((Array(right.dropLast()), .pkcs8))
      let other: KeyType = type == .ed25519 ? .x25519 : .ed25519
      wrong.append((try KeyFixtures.material(other), .pkcs8))
    } else if type != .opaque {
      wrong.append((Array(right.dropLast()), .raw))
      wrong.append(([UInt8](repeating: 7, count: 1025), .raw))
    }
    for (bytes, format) in wrong {
      await refused(.invalidRequest, "\(type) \(format) \(bytes.count)") {
        try await server.service.importKey(
          .officer,
          name: Self.name,
          ImportRequest(
            format: format,
            newKey: CreateKeyRequest(name: Self.name.description, type: type.rawValue)
          ),
          material: .of(bytes)
        )
      }
      #expect(try server.key(Self.name) == nil)
    }
    let info = try await server.importKey(Self.name, type)
    #expect(info.versions?.first?.origin == .imported)
    #expect(try await server.importVersion(Self.name, type).versions?.map(\.version) == [2])
    let again = try await server.service.showKey(.officer, name: Self.name)
    #expect(again.versions?[0].checkValue == again.versions?[1].checkValue)
    #expect(again.versions?[0].publicKey == again.versions?[1].publicKey)
    #expect((again.versions?[0].publicKey != nil) == type.isKeyPair)
  }

  @Test
  func opaqueKeysAreImportedAlone() async throws {
    let server = try await TestServer.unsealed()
    await refused(.invalidRequest) { try await server.create(Self.name.description, .opaque) }
    try await server.importKey(Self.name, .opaque)
    await refused(.keyUsage) { try await server.service.rotateKey(.officer, name: Self.name) }
  }

  @Test
  func pagesGoThroughAllNamesOnce() async throws {
    let server = try await TestServer.unsealed()
    let names = (0..<7).map { "page/k\($0)" } + ["other/k", "page2", "pag/e"]
    for name in names.reversed() { try await server.create(name) }
    var seen: [String] = []
    var cursor: String?
    repeat {
      let page = try await server.service.listKeys(
        .officer,
        prefix: "page/",
        limit: 3,
        cursor: cursor,
        deleted: false
      )
      seen += page.keys.map(\.name)
      #expect(page.keys.count <= 3)
      #expect(page.keys.allSatisfy { $0.versions == nil })
      cursor = page.nextCursor
    } while cursor != nil
    #expect(seen == (0..<7).map { "page/k\($0)" })
  }
}
