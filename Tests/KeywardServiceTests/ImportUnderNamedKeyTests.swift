import KeywardAudit
import KeywardCrypto
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Imports under a key of Keyward's: two rights, two entries, and the state of the wrapping key.
@Suite
struct ImportUnderNamedKeyTests {
  private static let policy = PolicyText.all(
    PolicyText.grant("importer", to: ["eve", "cid"], .allow(["key:import"], ["keys/app/**"])),
    PolicyText.grant("unwrapper", to: ["eve"], .allow(["key:unwrap"], ["keys/kek/**"])),
    PolicyText.approvers("ann", "bob")
  )

  private static func rule(_ operation: String, _ resource: String, _ who: String) -> String {
    "---\n" + PolicyText.approvalRule(who, [operation], [resource], of: who)
  }

  private static let name: KeyName = "app/key"
  private static let kek: KeyName = "kek/aes"
  private static let pair: KeyName = "kek/rsa"
  private static let (eve, cid) = (Caller.named("eve"), Caller.named("cid"))
  private static let (ann, bob) = (Caller.named("ann"), Caller.named("bob"))

  private let server: TestServer

  init() async throws {
    server = try await TestServer.unsealed(isFaulty: true)
    try await server.importKey(Self.kek, .aes256)
    try await server.importKey(Self.pair, .rsa2048)
    try await server.apply(Self.policy)
  }

  private static func blob(
    _ algorithm: ImportWrapping.Algorithm = .aesKWP,
    of material: [UInt8] = ImportTests.material
  ) throws -> [UInt8] {
    if !algorithm.isForRSA {
      return try ImportBlobs.make(material, algorithm, under: KeyFixtures.material(.aes256))
    }
    let pair = try PrivateKey(pkcs8: SecretBox.of(KeyFixtures.material(.rsa2048)).bytes)
    return try ImportBlobs.make(material, algorithm, to: pair.publicKey())
  }

  private static func wrapping(
    _ algorithm: ImportWrapping.Algorithm = .aesKWP,
    _ key: KeyName? = nil,
    version: Int? = nil
  ) -> ImportWrapping {
    ImportWrapping(
      algorithm,
      under: .named(key ?? (algorithm.isForRSA ? pair : kek), version: version)
    )
  }

  private func importAs(
    _ caller: Caller,
    _ wrapping: ImportWrapping = wrapping(),
    _ blob: [UInt8]? = nil
  ) async throws {
    try await server.importBlob(
      blob ?? Self.blob(wrapping.algorithm),
      Self.name,
      wrapping,
      as: caller
    )
  }

  @Test(arguments: ImportWrapping.Algorithm.allCases)
  func everyAlgorithmOpens(_ algorithm: ImportWrapping.Algorithm) async throws {
    try await importAs(Self.eve, Self.wrapping(algorithm))
    #expect(try server.stored(Self.name) == ImportTests.material)
  }

  @Test
  func anOlderVersionOpensWhatWasWrappedForIt() async throws {
    let blob = try Self.blob()
    _ = try await server.service.rotateKey(.officer, name: Self.kek)
    await refused(.decryptionFailed) { try await importAs(Self.eve, Self.wrapping(), blob) }
    try await importAs(Self.eve, Self.wrapping(version: 1), blob)
    let reached = try #require(try server.events().last { $0.operation == "key:unwrap" })
    #expect(reached.key?.version == 1)
  }

  // MARK: - Two rights

  @Test
  func bothRightsAreAsked() async throws {
    await refused(.forbidden) { try await importAs(Self.cid) }
    var events = try server.events().suffix(2)
    #expect(events.map(\.operation) == ["key:unwrap", "key:import"])
    #expect(events.map(\.outcome) == [.refused, .refused])
    #expect(events.first?.resource == "keys/kek/aes")
    let denial = try #require(events.first?.rule)
    #expect(denial.hasPrefix("default-deny"), "\(denial)")
    // The import itself was allowed, and the log says so.
    #expect(events.last?.rule?.hasPrefix("later check; allowed by ") == true)
    // Without the right to import the wrapping key is not even asked about.
    let count = try server.logSize()
    await refused(.forbidden) { try await importAs(Self.ann) }
    #expect(try server.events(from: count).map(\.operation) == ["key:import"])
    #expect(try server.key(Self.name) == nil)

    try await importAs(Self.eve)
    events = try server.events().suffix(2)
    #expect(events.map(\.operation) == ["key:unwrap", "key:import"])
    #expect(events.map(\.outcome) == [.allowed, .allowed])
    #expect(Set(events.map(\.request)).count == 1)
    #expect(events.first?.key?.version == 1 && events.first?.details == [])
    let blob = try #require(events.last?.details.last)
    guard case .blob = blob else {
      Issue.record("\(blob)")
      return
    }
  }

  /// Which of the two asks makes no difference: one approval of the request satisfies both.
  @Test(arguments: [["ann"], ["bob"], ["ann", "bob"]])
  func theApprovalsOfBothAreAsked(_ who: [String]) async throws {
    let rules = [
      "ann": Self.rule("key:import", "keys/app/**", "ann"),
      "bob": Self.rule("key:unwrap", "keys/kek/**", "bob"),
    ]
    try await server.apply(Self.policy + who.compactMap { rules[$0] }.joined())
    let error = await refused(.approvalRequired) { try await importAs(Self.eve.asking("a")) }
    let id = try #require(error?.approval)
    let shown = try await server.service.showApproval(Self.ann, id)
    #expect(shown.resource == "keys/\(Self.name)")
    #expect(shown.reached == [.init(operation: "key:unwrap", resource: "keys/kek/aes")])
    #expect(
      try await server.service.listApprovals(Self.ann, limit: 10, cursor: nil).approvals == [shown]
    )
    let voters = ["ann": Self.ann, "bob": Self.bob]
    for voter in who.compactMap({ voters[$0] }) {
      await refused(.approvalRequired) { try await importAs(Self.eve.asking("a", id)) }
      #expect(try server.key(Self.name) == nil)
      _ = try await server.service.vote(voter, id, isApproval: true)
    }
    await refused(.approvalRequired) { try await importAs(Self.eve.asking("b", id)) }
    try await importAs(Self.eve.asking("a", id))
    let events = try server.events().suffix(2)
    #expect(events.map(\.approval) == [id.description, id.description])
    #expect(events.map(\.outcome) == [.allowed, .allowed])
  }

  /// The disk refuses the change after the wrapping key was used: both entries are there even so.
  @Test
  func aChangeThatTheDiskRefusesHasBothEntries() async throws {
    try server.faults.failCommits(1)
    await refused(.storageFull) { try await importAs(Self.eve) }
    #expect(try server.key(Self.name) == nil)
    let events = try server.events().suffix(2)
    #expect(events.map(\.operation) == ["key:unwrap", "key:import"])
    #expect(events.allSatisfy { $0.outcome == .failed })
    #expect(events.first?.resource == "keys/kek/aes")
    try await importAs(Self.eve)
  }

  @Test
  func aRuleOnTheNameAsksForTheWrappingKeyToo() async throws {
    try await server.apply(Self.policy + Self.rule("key:import", "keys/app/**", "ann"))
    let error = await refused(.approvalRequired) {
      try await server.wrappingKey(Self.name, as: Self.eve.asking("fetch"))
    }
    let id = try #require(error?.approval)
    _ = try await server.service.vote(Self.ann, id, isApproval: true)
    let key = try await server.wrappingKey(Self.name, as: Self.eve.asking("fetch", id))
    let blob = try key.blob(of: ImportTests.material)
    // The approval of the one is not of the other.
    await refused(.approvalRequired) {
      try await server.importBlob(
        blob,
        Self.name,
        under: key.id,
        as: Self.eve.asking("import", id)
      )
    }
    let second = await refused(.approvalRequired) {
      try await server.importBlob(blob, Self.name, under: key.id, as: Self.eve.asking("import"))
    }
    let next = try #require(second?.approval)
    _ = try await server.service.vote(Self.ann, next, isApproval: true)
    try await server.importBlob(
      blob,
      Self.name,
      under: key.id,
      as: Self.eve.asking("import", next)
    )
  }

  @Test
  func policyIsAskedForTheWrappingKey() async throws {
    await refused(.forbidden) { try await server.wrappingKey(Self.name, as: Self.ann) }
    await refused(.forbidden) { try await server.wrappingKey("other/key", as: Self.eve) }
    #expect(try server.importKeys() == 0)
    let key = try await server.wrappingKey(Self.name, as: Self.eve)
    let blob = try key.blob(of: ImportTests.material)
    await refused(.forbidden) {
      try await server.importBlob(blob, Self.name, under: key.id, as: Self.ann)
    }
    // Who fetched it and who brings the blob need not be the same.
    try await server.importBlob(blob, Self.name, under: key.id, as: Self.cid)
  }

  // MARK: - The wrapping key

  @Test(arguments: [KeyState.suspended, .destroyed])
  func aKeyThatDoesNotUnwrapOpensNothing(_ state: KeyState) async throws {
    let service = try server.service
    if state == .destroyed {
      _ = try await service.rotateKey(.officer, name: Self.kek)
      _ = try await service.destroyKey(.officer, name: Self.kek, version: 1, after: 0)
      try await server.tick()
    } else {
      _ = try await service.setState(.officer, name: Self.kek, version: 1, to: state)
    }
    await refused(.keyState) { try await importAs(Self.eve, Self.wrapping(version: 1)) }
    #expect(try server.key(Self.name) == nil)
  }

  /// It opens what was wrapped before, as `unwrap` does (SP 800-57 part 1 §7.2), and for who names the
  /// version alone; the entry has it.
  @Test(arguments: [KeyState.deactivated, .compromised])
  func aKeyThatIsOverOpensWhatWasWrappedForIt(_ state: KeyState) async throws {
    let service = try server.service
    _ = try await service.setState(.officer, name: Self.kek, version: 1, to: state)
    await refused(.keyState) { try await importAs(Self.eve) }
    _ = try await service.rotateKey(.officer, name: Self.kek)
    // The primary version is another by now.
    await refused(.decryptionFailed) { try await importAs(Self.eve) }
    #expect(try server.key(Self.name) == nil)
    try await importAs(Self.eve, Self.wrapping(version: 1))
    #expect(try server.stored(Self.name) == ImportTests.material)
    let reached = try #require(try server.events().last { $0.operation == "key:unwrap" })
    #expect(reached.outcome == .allowed && reached.key?.version == 1)
  }

  @Test
  func aKeyWithoutUnwrapOpensNothing() async throws {
    try await server.importKey("kek/plain", .aes256, operations: ["encrypt", "decrypt"])
    await refused(.keyUsage) {
      try await importAs(Self.eve, Self.wrapping(.aesKWP, "kek/plain"))
    }
    await refused(.keyUsage) { try await importAs(Self.eve, Self.wrapping(.aesKWP, Self.pair)) }
    await refused(.keyUsage) {
      try await importAs(Self.eve, Self.wrapping(.hybridSHA256, Self.kek))
    }
    await refused(.notFound) { try await importAs(Self.eve, Self.wrapping(.aesKWP, "kek/none")) }
    await refused(.notFound) { try await importAs(Self.eve, Self.wrapping(version: 2)) }
    #expect(try server.key(Self.name) == nil)
  }

  @Test(arguments: [ImportWrapping.Algorithm.aesKW, .aesKWP, .oaepSHA256, .hybridSHA256])
  func blobsThatDoNotOpenAreOneError(_ algorithm: ImportWrapping.Algorithm) async throws {
    let good = try Self.blob(algorithm)
    let short = try Self.blob(algorithm, of: [UInt8](repeating: 7, count: 24))
    var blobs = [[], [0], Array(good.dropLast()), Array(good.dropLast(8)), good + good, short]
    for index in stride(from: 0, to: good.count, by: max(1, good.count / 24)) {
      var flipped = good
      flipped[index] ^= 0x20
      blobs.append(flipped)
    }
    var words: Set<String> = []
    for blob in blobs {
      let error = await refused(.decryptionFailed) {
        try await importAs(Self.eve, Self.wrapping(algorithm), blob)
      }
      words.insert(try #require(error).description)
    }
    #expect(words.count == 1)
    let events = try server.events().suffix(2)
    #expect(events.map(\.reason) == ["blob_unopened", "blob_unopened"])
    // The key is for more than one import, so nothing is counted.
    try await importAs(Self.eve, Self.wrapping(algorithm), good)
  }
}
