import Foundation
import KeywardAudit
import KeywardCrypto
import KeywardModel
import KeywardService
import KeywardStore
import KeywardTesting
import Synchronization
import Testing

/// Imports under wrapping keys that were fetched for them.
@Suite
struct ImportTests {
  static let name: KeyName = "import/key"
  static let material = [UInt8](100..<132)

  // MARK: - What opens

  @Test(arguments: ImportWrapping.Algorithm.ofOneTimeKeys)
  func everyAlgorithmOpens(_ algorithm: ImportWrapping.Algorithm) async throws {
    let server = try await TestServer.unsealed()
    let key = try await server.wrappingKey(Self.name)
    let blob = try key.blob(of: Self.material, algorithm)
    let info = try await server.importBlob(blob, Self.name, .aes256, algorithm, under: key.id)
    #expect(info.versions?.map(\.origin) == [.imported])
    #expect(try server.stored(Self.name) == Self.material)
  }

  @Test(arguments: KeyType.allCases)
  func everyTypeArrivesAsItIs(_ type: KeyType) async throws {
    let server = try await TestServer.unsealed()
    let key = try await server.wrappingKey(Self.name)
    let material = try KeyFixtures.material(type)
    try await server.importBlob(try key.blob(of: material), Self.name, type, under: key.id)
    if type.isKeyPair {
      let original = try PrivateKey(pkcs8: SecretBox.of(material).bytes)
      let publicKey = try server.key(Self.name)?.version(1)?.publicKey
      #expect(try publicKey == original.publicKey().spki())
    } else {
      #expect(try server.stored(Self.name) == material)
    }
  }

  @Test
  func theKeyIsWhatWasAskedFor() async throws {
    let server = try await TestServer.unsealed()
    let plain = try await server.service.makeWrappingKey(
      .officer,
      name: Self.name,
      WrappingKeyRequest()
    )
    #expect(plain.type == .rsa4096 && plain.key == Self.name.description)
    #expect(try plain.publicHalf.algorithm == .rsa(bits: 4096))
    #expect(plain.validUntil == server.clock.now().adding(seconds: 3600).rfc3339)
    #expect(
      try plain.fingerprint == Hex.encode(Digest.sha256(plain.publicHalf.spki()))
    )
    let week = try await server.wrappingKey(Self.name, ttl: 604_800)
    #expect(week.validUntil == server.clock.now().adding(seconds: 604_800).rfc3339)
    for wrong in [
      WrappingKeyRequest(type: "rsa-2048"), WrappingKeyRequest(type: "aes-256"),
      WrappingKeyRequest(ttl: 59), WrappingKeyRequest(ttl: 604_801),
    ] {
      await refused(.invalidRequest) {
        try await server.service.makeWrappingKey(.officer, name: Self.name, wrong)
      }
    }
  }

  @Test
  func anImportCanBeTheNextVersion() async throws {
    let server = try await TestServer.unsealed()
    try await server.importKey(Self.name, .aes256)
    let key = try await server.wrappingKey(Self.name)
    let id = try #require(WrappingKeyID(key.id))
    let info = try await server.importBlob(
      try key.blob(of: Self.material),
      Self.name,
      ImportWrapping(.hybridSHA256, under: .oneTime(id)),
      newVersion: true
    )
    #expect(info.versions?.map(\.version) == [2])
    #expect(try server.stored(Self.name) == Self.material)
    let event = try #require(try server.events().last { $0.operation == "key:import" })
    #expect(event.details.contains(.versions(from: 1, to: 2)))
    #expect(event.details.contains { if case .blob = $0 { true } else { false } })
  }

  // MARK: - Once

  @Test
  func aWrappingKeyServesOnce() async throws {
    let server = try await TestServer.unsealed()
    let key = try await server.wrappingKey(Self.name)
    let other = try await server.wrappingKey(Self.name)
    let blob = try key.blob(of: Self.material)
    try await server.importBlob(blob, Self.name, under: key.id)
    let id = try #require(WrappingKeyID(key.id))
    for _ in 0..<2 {
      await refused(.notFound) {
        try await server.importBlob(
          blob,
          Self.name,
          ImportWrapping(.hybridSHA256, under: .oneTime(id)),
          newVersion: true
        )
      }
      try await server.restart()
    }
    // The other one was for the same import.
    await refused(.notFound) {
      try await server.importNext(try other.blob(of: Self.material), Self.name, under: other.id)
    }
    #expect(try server.importKeys() == 0)
    #expect(try server.key(Self.name)?.versions.count == 1)
  }

  @Test
  func ofTwoAtOnceOneWins() async throws {
    let server = try await TestServer.unsealed()
    let key = try await server.wrappingKey(Self.name)
    try await server.importKey(Self.name, .aes256)
    // The clear import ended the key that was there; this one is for the race.
    await refused(.notFound) {
      try await server.importNext(try key.blob(of: Self.material), Self.name, under: key.id)
    }
    let next = try await server.wrappingKey(Self.name)
    let nextID = try #require(WrappingKeyID(next.id))
    let blobs = try (0..<8).map { try next.blob(of: [UInt8](repeating: $0, count: 32)) }
    let won = await withTaskGroup(of: Bool.self) { group in
      for blob in blobs {
        group.addTask {
          do {
            _ = try await server.importBlob(
              blob,
              Self.name,
              ImportWrapping(.hybridSHA256, under: .oneTime(nextID)),
              newVersion: true
            )
            return true
          } catch let error as ServiceError {
            #expect(error.code == .notFound || error.code == .conflict, "\(error)")
          } catch {
            Issue.record("\(error)")
          }
          return false
        }
      }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(won == 1)
    #expect(try server.key(Self.name)?.versions.count == 2)
    #expect(try server.importKeys() == 0)
  }

  @Test
  func aClearImportEndsTheKeysOfItsName() async throws {
    let server = try await TestServer.unsealed()
    let key = try await server.wrappingKey(Self.name)
    let other = try await server.wrappingKey("import/other")
    try await server.importKey(Self.name, .aes256)
    #expect(try server.importKeys() == 1)
    await refused(.notFound) {
      try await server.importNext(try key.blob(of: Self.material), Self.name, under: key.id)
    }
    let blob = try other.blob(of: Self.material)
    try await server.importBlob(blob, "import/other", under: other.id)
  }

  @Test
  func itsTimeEndsIt() async throws {
    let server = try await TestServer.unsealed()
    let key = try await server.wrappingKey(Self.name, ttl: 60)
    let blob = try key.blob(of: Self.material)
    server.clock.advance(seconds: 60)
    await refused(.notFound) { try await server.importBlob(blob, Self.name, under: key.id) }
    #expect(try server.importKeys() == 1)
    try await server.service.tick(10)
    #expect(try server.importKeys() == 0)
    let event = try #require(try server.events().last { $0.operation == "server:expire" })
    #expect(event.details == [.count(1)])
  }

  /// All that an import does not say: which of these it was.
  @Test
  func whatIsNoWrappingKeyIsOneError() async throws {
    let server = try await TestServer.unsealed()
    let used = try await server.wrappingKey(Self.name)
    try await server.importBlob(try used.blob(of: Self.material), Self.name, under: used.id)
    let name: KeyName = "import/late"
    let foreign = try await server.wrappingKey("import/foreign")
    let expired = try await server.wrappingKey(name, ttl: 60)
    server.clock.advance(seconds: 61)
    let unknown = "once:" + String(repeating: "a", count: 26)
    var words: Set<String> = []
    for (id, blob) in [
      (used.id, try used.blob(of: Self.material)),
      (foreign.id, try foreign.blob(of: Self.material)),
      (expired.id, try expired.blob(of: Self.material)), (unknown, [UInt8](repeating: 0, count: 9)),
    ] {
      let error = await refused(.notFound) { try await server.importBlob(blob, name, under: id) }
      words.insert(try #require(error).description)
    }
    #expect(words.count == 1 && words.first?.contains("keyward key wrapping-key") == true)
    #expect(try server.key(name) == nil)
    // The one of another name was not touched.
    try await server.importBlob(
      try foreign.blob(of: Self.material),
      "import/foreign",
      under: foreign.id
    )
  }

  // MARK: - What does not open

  /// A blob that does not open, and why.
  enum Fault: CaseIterable {
    case empty, tooShort, noSecondPart, flippedOAEP, flippedKWP, truncated, extended, anotherKey
    case anotherHash, anotherAlgorithm, direct, aesKeyOf16, wrongLength, notAKey

    func blob(_ key: WrappingKeyInfo) throws -> [UInt8] {
      var blob = try key.blob(of: ImportTests.material)
      switch self {
      case .empty: return []
      case .tooShort: return [1, 2, 3]
      case .noSecondPart: return Array(blob[..<384])
      case .flippedOAEP: blob[100] ^= 1
      case .flippedKWP: blob[390] ^= 1
      case .truncated: blob.removeLast(8)
      case .extended: blob += [UInt8](repeating: 0, count: 8)
      case .anotherKey:
        let other = try PrivateKey.generate(.rsa(bits: 3072)).publicKey()
        return try ImportBlobs.make(ImportTests.material, .hybridSHA256, to: other)
      case .anotherHash:
        return try ImportBlobs.make(
          ImportTests.material,
          .hybridSHA256,
          to: key.publicHalf,
          hash: .sha1
        )
      case .anotherAlgorithm: return try key.blob(of: ImportTests.material, .hybridSHA512)
      case .direct: return try key.blob(of: ImportTests.material, .oaepSHA256)
      case .aesKeyOf16:
        let short = try SecretBytes.random(count: 16)
        return try key.publicHalf.encryptOAEP(hash: .sha256, plaintext: short)
          + KeyWrap.wrapPadded(kek: short, SecretBytes.fixture(ImportTests.material))
      case .wrongLength: return try key.blob(of: [UInt8](repeating: 1, count: 31))
      case .notAKey: return try key.blob(of: Array("-----BEGIN PRIVATE KEY-----".utf8))
      }
      return blob
    }
  }

  @Test
  func everyBlobThatDoesNotOpenIsOneError() async throws {
    let server = try await TestServer.unsealed()
    let key = try await server.wrappingKey(Self.name)
    var words: Set<String> = []
    var entries: Set<String> = []
    for fault in Fault.allCases {
      let blob = try fault.blob(key)
      let error = await refused(.decryptionFailed, "\(fault)") {
        try await server.importBlob(blob, Self.name, under: key.id)
      }
      words.insert(try #require(error).description)
      let event = try #require(try server.events().last)
      #expect(event.operation == "key:import" && event.details.count == 2)
      entries.insert("\(event.outcome) \(event.reason) \(event.rule ?? "")")
    }
    #expect(words.count == 1 && entries.count == 1)
    #expect(try server.key(Self.name) == nil)
    // It serves still, for what is right.
    try await server.importBlob(try key.blob(of: Self.material), Self.name, under: key.id)
  }

  @Test
  func aKeyPairThatIsNoneIsTheSameError() async throws {
    let server = try await TestServer.unsealed()
    let key = try await server.wrappingKey(Self.name)
    let pair = try KeyFixtures.material(.ecP256)
    var words: Set<String> = []
    for wrong in [
      Array(pair.dropLast()), pair + [0], try KeyFixtures.material(.ed25519), Self.material,
    ] {
      let error = await refused(.decryptionFailed) {
        try await server.importBlob(try key.blob(of: wrong), Self.name, .ecP256, under: key.id)
      }
      words.insert(try #require(error).description)
    }
    let flipped = await refused(.decryptionFailed) {
      let blob = try Fault.flippedOAEP.blob(key)
      return try await server.importBlob(blob, Self.name, .ecP256, under: key.id)
    }
    #expect(words == [try #require(flipped).description])
    try await server.importBlob(try key.blob(of: pair), Self.name, .ecP256, under: key.id)
  }

  @Test
  func sixteenFailuresDestroyIt() async throws {
    let server = try await TestServer.unsealed()
    let key = try await server.wrappingKey(Self.name)
    let good = try key.blob(of: Self.material)
    for attempt in 1...16 {
      // A restart forgets none.
      if attempt == 9 { try await server.restart() }
      await refused(.decryptionFailed) {
        try await server.importBlob([0], Self.name, under: key.id)
      }
      #expect(try server.importKeys() == (attempt < 16 ? 1 : 0))
    }
    await refused(.notFound) { try await server.importBlob(good, Self.name, under: key.id) }
    #expect(try server.key(Self.name) == nil)
  }

  /// What is refused before the blob is opened, or for another reason, does not count.
  @Test
  func otherRefusalsCostNothing() async throws {
    let server = try await TestServer.unsealed()
    let key = try await server.wrappingKey(Self.name)
    let blob = try key.blob(of: Self.material)
    let id = try #require(WrappingKeyID(key.id))
    for _ in 0..<20 {
      await refused(.invalidRequest) {
        try await server.importBlob(
          blob,
          Self.name,
          ImportWrapping(.hybridSHA256, under: .oneTime(id)),
          format: .pkcs8
        )
      }
      await refused(.invalidRequest) {
        try await server.importBlob(blob, Self.name, .aes256, .aesKWP, under: key.id)
      }
    }
    try await server.importBlob(blob, Self.name, under: key.id)
  }

  // MARK: - Where it lies

  @Test
  func aRestartKeepsItAndASealHidesIt() async throws {
    let server = try await TestServer.unsealed()
    let key = try await server.wrappingKey(Self.name)
    let blob = try key.blob(of: Self.material)
    try await server.restart()
    _ = try await server.service.seal(.officer)
    await refused(.sealed) { try await server.wrappingKey(Self.name) }
    await refused(.sealed) { try await server.importBlob(blob, Self.name, under: key.id) }
    try await server.unseal()
    try await server.importBlob(blob, Self.name, under: key.id)
  }

  /// The private half of one record does not serve in another, nor past its end, nor for another name.
  @Test(arguments: ["envelope", "name", "end", "bytes"])
  func aRecordThatWasChangedIsTampered(_ what: String) async throws {
    let server = try await TestServer.unsealed()
    let key = try await server.wrappingKey(Self.name, ttl: 60)
    let other = try await server.wrappingKey(Self.name, ttl: 60)
    let records = try server.service.unsealed().importKeys.stored
    let old = try #require(records.first { $0.id == key.id })
    let swap = try #require(records.first { $0.id == other.id })
    var fields = try Self.fields(old.body)
    switch what {
    case "envelope": fields[7] = try Self.fields(swap.body)[7]
    case "name": fields[2] = Array("import/elsewhere".utf8)
    case "end":
      let later = fields[6].reduce(0) { $0 << 8 | UInt64($1) } + 3_600_000
      fields[6] = withUnsafeBytes(of: later.bigEndian) { Array($0) }
    default: fields[7][40] ^= 1
    }
    let body = fields.flatMap { field in
      withUnsafeBytes(of: UInt32(field.count).bigEndian) { Array($0) } + field
    }
    // By the store's own hand, so that the row is genuine: what is left is the envelope.
    try server.store.write(durability: .change) { transaction in
      try transaction.updateRecord(
        StoredRecord(kind: .importKey, id: old.id, body: body),
        from: old
      )
    }
    try await server.restart()
    let name: KeyName = what == "name" ? "import/elsewhere" : Self.name
    await refused(.tampered) {
      try await server.importBlob(try key.blob(of: Self.material), name, under: key.id)
    }
    #expect(try server.key(name) == nil)
  }

  private static func fields(_ record: [UInt8]) throws -> [[UInt8]] {
    var fields: [[UInt8]] = []
    var rest = record[...]
    while !rest.isEmpty {
      let count = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      fields.append(Array(rest.dropFirst(4).prefix(count)))
      rest = rest.dropFirst(4 + count)
    }
    return fields
  }

  /// After it was used nothing of its private half is in any file.
  @Test
  func nothingOfAUsedKeyIsLeftInTheFiles() async throws {
    let server = try await TestServer.unsealed()
    let key = try await server.wrappingKey(Self.name)
    let record = try #require(try server.service.unsealed().importKeys.stored.first)
    // The salt of the envelope, and a part of its ciphertext.
    let envelope = try Self.fields(record.body)[7]
    let traces = [Array(envelope[5..<29]), Array(envelope[200..<232])]
    #expect(try server.folder.filesHold(traces[0]))
    try await server.importBlob(try key.blob(of: Self.material), Self.name, under: key.id)
    try await server.service.finishScrubbing()
    for trace in traces { #expect(try !server.folder.filesHold(trace)) }
  }

  /// Nobody waits for a search of the files, and what ends meanwhile goes into the next one together.
  @Test(.timeLimit(.minutes(1)))
  func theSearchOfTheFilesHoldsNobodyUp() async throws {
    let server = try await TestServer.unsealed(isFaulty: true)
    var keys: [WrappingKeyInfo] = []
    for index in 0..<3 {
      keys.append(try await server.wrappingKey(try KeyName("import/k\(index)")))
    }
    try await server.service.finishScrubbing()
    let searches = Mutex(0)
    let gate = Gate()
    try server.faults.watchScrubs {
      searches.withLock { $0 += 1 }
      gate.wait()
    }
    for (index, key) in keys.enumerated() {
      let name = try KeyName("import/k\(index)")
      try await server.importBlob(try key.blob(of: Self.material), name, under: key.id)
      #expect(try server.key(name) != nil)
      while searches.withLock({ $0 == 0 }) { try await Task.sleep(for: .milliseconds(5)) }
    }
    #expect(searches.withLock { $0 } == 1)
    gate.open()
    try await server.service.finishScrubbing()
    #expect(searches.withLock { $0 } == 2)
  }

  /// A database from before it was used brings it back to nobody.
  @Test
  func anOlderDatabaseDoesNotBringItBack() async throws {
    let server = try await TestServer.unsealed()
    let key = try await server.wrappingKey(Self.name)
    let blob = try key.blob(of: Self.material)
    await server.stop()
    let files = FileManager.default
    let database = server.folder("data/keyward.db")
    try files.copyItem(atPath: database, toPath: server.folder("older.db"))
    try await server.restart()
    try await server.importBlob(blob, Self.name, under: key.id)
    await server.stop()
    try files.removeItem(atPath: database)
    try files.moveItem(atPath: server.folder("older.db"), toPath: database)
    try await server.restart()
    try await server.unseal(accepting: [.rollback])
    #expect(try server.key(Self.name) == nil && server.importKeys() == 0)
    await refused(.notFound) { try await server.importBlob(blob, Self.name, under: key.id) }
  }

  /// When the disk has no room for the key, the wrapping key is not spent.
  @Test
  func whatCannotBeWrittenIsNotSpent() async throws {
    let server = try await TestServer.unsealed(isFaulty: true)
    let key = try await server.wrappingKey(Self.name)
    let blob = try key.blob(of: Self.material)
    for failures in [1, 2] {
      try server.faults.failCommits(failures)
      await refused(.storageFull) { try await server.importBlob(blob, Self.name, under: key.id) }
      #expect(try server.importKeys() == 1 && server.key(Self.name) == nil)
      try server.faults.failCommits(0)
      try await server.restart()
      #expect(try server.importKeys() == 1 && server.key(Self.name) == nil)
    }
    try await server.importBlob(blob, Self.name, under: key.id)
  }

  // MARK: - Before its time

  @Test
  func aDiscardedKeyOpensNothing() async throws {
    let server = try await TestServer.unsealed(isFaulty: true)
    let key = try await server.wrappingKey(Self.name)
    let other = try await server.wrappingKey(Self.name)
    let id = try #require(WrappingKeyID(key.id))
    let record = try #require(
      try server.service.unsealed().importKeys.stored.first { $0.id == key.id }
    )
    // Not under another name, and not while the disk takes no change.
    await refused(.notFound) {
      try await server.service.discardWrappingKey(.officer, name: "import/other", id)
    }
    try server.faults.failCommits(1)
    await refused(.storageFull) {
      try await server.service.discardWrappingKey(.officer, name: Self.name, id)
    }
    #expect(try server.importKeys() == 2)
    #expect(try await server.service.discardWrappingKey(.officer, name: Self.name, id) == key)
    let event = try #require(try server.events().last)
    #expect(event.operation == "key:discard-wrapping-key" && event.outcome == .allowed)
    #expect(event.resource == "keys/\(Self.name)")
    let fingerprint = Digest.sha256(try key.publicHalf.spki())
    #expect(
      event.details == [.wrapping(algorithm: AuditWord("rsa-3072"), key: AuditDigest(fingerprint))]
    )
    await refused(.notFound) {
      try await server.service.discardWrappingKey(.officer, name: Self.name, id)
    }
    let blob = try key.blob(of: Self.material)
    await refused(.notFound) { try await server.importBlob(blob, Self.name, under: key.id) }
    try await server.service.finishScrubbing()
    let salt = Array(try Self.fields(record.body)[7][5..<29])
    #expect(try !server.folder.filesHold(salt))
    try await server.restart()
    #expect(try server.importKeys() == 1)
    await refused(.notFound) { try await server.importBlob(blob, Self.name, under: key.id) }
    try await server.importBlob(try other.blob(of: Self.material), Self.name, under: other.id)
  }

  // MARK: - How many

  @Test
  func aNameHasFourAtATime() async throws {
    let server = try await TestServer.unsealed()
    var keys: [WrappingKeyInfo] = []
    for _ in 0..<4 { keys.append(try await server.wrappingKey(Self.name, ttl: 60)) }
    let error = await refused(.tooManyRequests) { try await server.wrappingKey(Self.name) }
    #expect(error?.remedy?.contains(keys[0].validUntil) == true)
    _ = try await server.wrappingKey("import/other")
    server.clock.advance(seconds: 61)
    _ = try await server.wrappingKey(Self.name)
  }

  // MARK: - The log

  @Test
  func entriesTellHowItCame() async throws {
    let server = try await TestServer.unsealed()
    let key = try await server.wrappingKey(Self.name)
    let spki = try key.publicHalf.spki()
    let made = try #require(try server.events().last)
    #expect(made.operation == "key:import" && made.resource == "keys/\(Self.name)")
    #expect(
      made.details.first
        == .wrapping(algorithm: AuditWord("rsa-3072"), key: AuditDigest(Digest.sha256(spki)))
    )
    let blob = try key.blob(of: Self.material)
    try await server.importBlob(blob, Self.name, under: key.id)
    let event = try #require(try server.events().last)
    #expect(event.outcome == .allowed && event.key?.version == 1)
    #expect(
      event.details == [
        .wrapping(
          algorithm: AuditWord("RSA_AES_KEY_WRAP_SHA_256"),
          key: AuditDigest(Digest.sha256(spki))
        ),
        .blob(AuditDigest(Digest.sha256(blob))),
      ]
    )
  }
}

extension TemporaryFolder {
  func filesHold(_ bytes: [UInt8]) throws -> Bool {
    try contents().values.contains { $0.range(of: Data(bytes)) != nil }
  }
}

extension TestServer {
  /// The raw material of the newest version.
  func stored(_ name: KeyName) throws -> [UInt8] {
    let state = try service.unsealed()
    guard let key = state.directory.key(named: name), let version = key.versions.last else {
      return []
    }
    return try state.symmetric(key, version).plain
  }

  /// How many wrapping keys wait, in memory and in the store alike.
  func importKeys() throws -> Int {
    try service.unsealed().importKeys.stored.count
  }
}
