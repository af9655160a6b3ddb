import KeywardAudit
import KeywardCrypto
import KeywardModel
import KeywardService
import KeywardStore
import KeywardTesting
import Testing

/// What stands behind a KMS v2 socket.
@Suite
struct KMSTests {
  private static let name: KeyName = "etcd/prod"
  private static let seed = TestServer.seed

  private static func server(_ type: KeyType = .aes256) async throws -> TestServer {
    let server = try await TestServer.unsealed()
    try await server.create(name.description, type)
    return server
  }

  @Test(arguments: [KeyType.aes128, .aes256, .chacha20Poly1305])
  func statusAndEncryptAgreeOverRotations(_ type: KeyType) async throws {
    let server = try await Self.server(type)
    var old: [KMSCiphertext] = []
    for _ in 0..<5 {
      let told = try server.service.kmsStatus(Self.name)
      let made = try await server.kmsEncrypt(Self.name, told: told)
      #expect(made.keyID == told.keyID)
      #expect(made.bytes.count + made.keyID.description.utf8.count <= 32 + 180)
      old.append(made)
      _ = try await server.service.rotateKey(.officer, name: Self.name)
    }
    #expect(Set(old.map(\.keyID)).count == 5)
    try await server.restart()
    for made in old {
      #expect(
        try await server.kmsDecrypt(Self.name, made.bytes, made.keyID.description) == Self.seed
      )
      for other in old where other.keyID != made.keyID {
        await refused(.decryptionFailed) {
          try await server.kmsDecrypt(Self.name, made.bytes, other.keyID.description)
        }
      }
    }
  }

  /// A connection that was told of a version may use it for a minute after it was rotated out, so
  /// that Status and the Encrypt that follows agree; then, or without having asked, the new one.
  @Test
  func thePinnedVersionServesUntilGraceEnds() async throws {
    let server = try await Self.server()
    let service = try server.service
    let told = try service.kmsStatus(Self.name)
    _ = try await service.rotateKey(.officer, name: Self.name)
    let new = try service.kmsStatus(Self.name)
    #expect(new.keyID != told.keyID)
    #expect(try await server.kmsEncrypt(Self.name, told: told).keyID == told.keyID)
    #expect(try await server.kmsEncrypt(Self.name, told: nil).keyID == new.keyID)
    #expect(try await server.kmsEncrypt(Self.name, told: new).keyID == new.keyID)
    server.clock.advance(seconds: 59)
    #expect(try await server.kmsEncrypt(Self.name, told: told).keyID == told.keyID)
    server.clock.advance(seconds: 1)
    #expect(try await server.kmsEncrypt(Self.name, told: told).keyID == new.keyID)
  }

  /// Grace is for rotation alone: what an officer stops, stops at once.
  @Test(arguments: [KeyState.compromised, .destroyed])
  func thePinnedVersionStopsAtOnce(_ state: KeyState) async throws {
    let server = try await Self.server()
    let service = try server.service
    let told = try service.kmsStatus(Self.name)
    let made = try await server.kmsEncrypt(Self.name, told: told)
    _ = try await service.rotateKey(.officer, name: Self.name)
    if state == .destroyed {
      _ = try await service.destroyKey(.officer, name: Self.name, version: 1, after: 600)
    } else {
      _ = try await service.setState(.officer, name: Self.name, version: 1, to: state)
    }
    #expect(try await server.kmsEncrypt(Self.name, told: told).keyID != told.keyID)
    if state == .destroyed {
      await refused(.keyState) {
        try await server.kmsDecrypt(Self.name, made.bytes, made.keyID.description)
      }
      server.clock.advance(seconds: 600)
      try await server.tick()
      await refused(.keyState) {
        try await server.kmsDecrypt(Self.name, made.bytes, made.keyID.description)
      }
    }
  }

  /// kube-apiserver goes on writing as long as Status answers (kubernetes#138950), so it fails.
  @Test
  func aSuspendedKeyFailsEverything() async throws {
    let server = try await Self.server()
    let service = try server.service
    let told = try service.kmsStatus(Self.name)
    let made = try await server.kmsEncrypt(Self.name)
    _ = try await service.setState(.officer, name: Self.name, version: 1, to: .suspended)
    await refused(.keyState) { try service.kmsStatus(Self.name) }
    await refused(.keyState) { try await server.kmsEncrypt(Self.name, told: told) }
    await refused(.keyState) {
      try await server.kmsDecrypt(Self.name, made.bytes, made.keyID.description)
    }
    _ = try await service.setState(.officer, name: Self.name, version: 1, to: .active)
    #expect(try service.kmsStatus(Self.name).keyID == told.keyID)
    #expect(try await server.kmsDecrypt(Self.name, made.bytes, made.keyID.description) == Self.seed)
  }

  /// A key that cannot do one of the two is no key of a KMS socket: its Status says so.
  @Test
  func aKeyThatCannotServeFailsStatus() async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    await refused(.notFound) { try service.kmsStatus(Self.name) }
    let cases: [(KeyName, KeyType, [String])] = [
      ("kms/enc", .aes256, ["encrypt"]), ("kms/dec", .aes256, ["decrypt"]),
      ("kms/wrap", .aes256, ["wrap", "unwrap"]), ("kms/rsa", .rsa2048, ["encrypt", "decrypt"]),
      ("kms/mac", .hmacSHA256, ["mac"]), ("kms/ed", .ed25519, ["sign"]),
    ]
    for (name, type, operations) in cases {
      try await server.importKey(name, type, operations: operations)
      await refused(.keyUsage, "\(name)") { try service.kmsStatus(name) }
    }
    await refused(.keyUsage) { try await server.kmsEncrypt("kms/rsa") }
    await refused(.keyUsage) { try await service.ensureKMSKey("kms/rsa") }
    try await service.ensureKMSKey("kms/made")
    try await service.ensureKMSKey("kms/made")
    #expect(try service.kmsStatus("kms/made").version == 1)
  }

  @Test
  func keyIDsAreHonouredAndNothingElse() async throws {
    let server = try await Self.server()
    let service = try server.service
    try await server.create("etcd/other")
    let made = try await server.kmsEncrypt(Self.name)
    let foreign = try service.kmsStatus("etcd/other").keyID.description
    let unknown = [
      foreign, "", "1", "kw1.", made.keyID.description.uppercased(),
      made.keyID.description + "a", String(made.keyID.description.dropLast()),
      "kw1.aaaaaaaaaaaaaaaaaaaaaaaaaa", String(repeating: "x", count: 5000),
    ]
    for keyID in unknown {
      await refused(.notFound, "\(keyID)") {
        try await server.kmsDecrypt(Self.name, made.bytes, keyID)
      }
    }
    // The other key's own ciphertext under the other key's own id, on this socket.
    let theirs = try await server.kmsEncrypt("etcd/other")
    await refused(.notFound) { try await server.kmsDecrypt(Self.name, theirs.bytes, foreign) }
    await refused(.decryptionFailed) {
      try await server.kmsDecrypt(Self.name, theirs.bytes, made.keyID.description)
    }
    // A ciphertext of the admin API is none of KMS, and the other way about.
    let message = try await service.encrypt(
      .officer,
      name: Self.name,
      CryptoRequest(),
      plaintext: .of(Self.seed)
    )
    await refused(.decryptionFailed) {
      try await server.kmsDecrypt(Self.name, message.value, made.keyID.description)
    }
    await refused(.decryptionFailed) {
      try await service.decrypt(
        .officer,
        name: Self.name,
        CryptoRequest(),
        ciphertext: made.bytes
      )
    }
  }

  @Test
  func everyChangedByteIsRefused() async throws {
    let server = try await Self.server()
    let made = try await server.kmsEncrypt(Self.name)
    for place in made.bytes.indices {
      var changed = made.bytes
      changed[place] ^= 1
      let error = await refused(.decryptionFailed, "byte \(place)") {
        try await server.kmsDecrypt(Self.name, changed, made.keyID.description)
      }
      #expect(error == .decryptionFailed)
    }
    for bytes in [[], Array(made.bytes.dropLast()), made.bytes + [0]] {
      await refused(.decryptionFailed) {
        try await server.kmsDecrypt(Self.name, bytes, made.keyID.description)
      }
    }
  }

  /// kube-apiserver refuses a ciphertext of more than 1024 bytes.
  @Test
  func plaintextsAreBounded() async throws {
    let server = try await Self.server()
    let longest = [UInt8](repeating: 1, count: 1024 - 61)
    #expect(try await server.kmsEncrypt(Self.name, longest).bytes.count == 1024)
    await refused(.invalidRequest) { try await server.kmsEncrypt(Self.name, longest + [1]) }
  }

  @Test
  func statusMakesNoEntryAndUsesDo() async throws {
    let server = try await Self.server()
    let service = try server.service
    let start = try server.logSize()
    for _ in 0..<10 { _ = try service.kmsStatus(Self.name) }
    #expect(try server.logSize() == start)
    let made = try await server.kmsEncrypt(Self.name)
    _ = try await server.kmsDecrypt(Self.name, made.bytes, made.keyID.description)
    await refused(.notFound) { try await server.kmsDecrypt(Self.name, made.bytes, "kw1.x") }
    let events = try server.events(from: start)
    #expect(events.map(\.operation) == ["key:encrypt", "key:decrypt", "key:decrypt"])
    #expect(events.map(\.outcome) == [.allowed, .allowed, .refused])
    #expect(events.map(\.kmsUID) == ["uid-e", "uid-d", "uid-d"])
    #expect(events.map(\.source) == [.kms, .kms, .kms])
    #expect(events.map(\.rule) == ["kms-plugin", "kms-plugin", "kms-plugin"])
    let hash = KeyIDHash(keyID: made.keyID.description)
    #expect(events.map(\.key?.hash) == [hash, hash, nil])
    #expect(events.map(\.key?.version) == [1, 1, nil])
  }

  @Test
  func aSealedServerFailsEverything() async throws {
    let server = try await Self.server()
    let service = try server.service
    let told = try service.kmsStatus(Self.name)
    let made = try await server.kmsEncrypt(Self.name)
    _ = try await service.seal(.officer)
    await refused(.sealed) { try service.kmsStatus(Self.name) }
    await refused(.sealed) { try await server.kmsEncrypt(Self.name, told: told) }
    await refused(.sealed) {
      try await server.kmsDecrypt(Self.name, made.bytes, made.keyID.description)
    }
    try await server.unseal()
    #expect(try service.kmsStatus(Self.name).keyID == told.keyID)
    #expect(try await server.kmsDecrypt(Self.name, made.bytes, made.keyID.description) == Self.seed)
  }

  /// While entries cannot be written nothing is answered; the next tick that can write recovers.
  @Test
  func aLogThatCannotBeWrittenFailsEverythingUntilItCan() async throws {
    let server = try await TestServer.unsealed(isFaulty: true)
    let service = try server.service
    try await server.create(Self.name.description)
    let told = try service.kmsStatus(Self.name)
    let made = try await server.kmsEncrypt(Self.name)
    let size = try server.logSize()
    try server.faults.failCommits(3)
    await refused(.storageFull) { try await server.kmsEncrypt(Self.name) }
    await refused(.auditUnavailable) { try service.kmsStatus(Self.name) }
    #expect(service.readiness().isReady == false)
    #expect(service.sealStatus().auditWritable == false)
    await refused(.storageFull) {
      try await server.kmsDecrypt(Self.name, made.bytes, made.keyID.description)
    }
    try await server.service.tick(1)
    await refused(.auditUnavailable) { try service.kmsStatus(Self.name) }
    #expect(try server.logSize() == size)
    // The disk takes writes again.
    try await server.service.tick(2)
    #expect(try service.kmsStatus(Self.name).keyID == told.keyID)
    #expect(service.readiness().isReady)
    #expect(try server.events(from: size).map(\.operation) == ["server:recover"])
    #expect(try await server.kmsDecrypt(Self.name, made.bytes, made.keyID.description) == Self.seed)
  }
}
