import Dispatch
import KeywardCrypto
import KeywardExport
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// What an export may be believed: where it goes, what arrived, and what a proof says.
@Suite
struct ExportTrustTests {
  let cloud: FakeCloud
  let server: TestServer

  init() async throws {
    cloud = try FakeCloud()
    server = try await TestServer.unsealed(exporter: cloud)
    _ = try await server.service.writeDestination(.officer, "aws", ExportTests.document())
  }

  private func complete(_ export: ExportInfo) async throws -> ExportInfo {
    let id = try #require(ExportID(export.id))
    return try await server.service.completeExport(
      .officer,
      id,
      CompleteExportRequest(export)
    ).export
  }

  private func prepare(_ key: KeyName, _ target: String? = nil) async throws -> ExportInfo {
    var request = ExportTests.request(key)
    request.targetKey = target
    return try await server.service.prepareExport(.officer, request)
  }

  /// An export whose answer never came.
  private func broken(_ key: String) async throws -> ExportID {
    try await server.create(key)
    let prepared = try await prepare(try KeyName(key))
    cloud.change {
      $0.failures[.deliver] = CloudFailure(.timedOut, "No answer in time.", mayHaveActed: true)
    }
    await refused(.destinationFailed) { _ = try await complete(prepared) }
    cloud.change { $0.failures = [:] }
    return try #require(ExportID(prepared.id))
  }

  // MARK: - What arrived

  @Test
  func whatCannotBeToldStaysOpen() async throws {
    let id = try await broken("app/key")
    cloud.change { $0.arrival = .unknown("two versions are new", remedy: "Compare them.") }
    server.clock.advance(seconds: 10 * SentImport.settling)
    for _ in 0..<2 {
      let error = await refused(.destinationFailed) {
        _ = try await server.service.resumeExport(.officer, id)
      }
      #expect(error?.reason == "arrival_unknown" && error?.remedy == "Compare them.")
      let open = try await server.service.showExport(.officer, id)
      #expect(open.state == "sending" && open.failure == "arrival_unknown")
    }
    // A provider that cannot be asked says nothing either.
    cloud.change { $0.failures[.status] = CloudFailure(.accessDenied, "It may not be listed.") }
    await refused(.destinationFailed) { _ = try await server.service.resumeExport(.officer, id) }
    #expect(try await server.service.showExport(.officer, id).state == "sending")
    cloud.change {
      $0.failures = [:]
      $0.arrival = .absent("no version bears its id")
    }
    let failed = try await server.service.resumeExport(.officer, id)
    #expect(failed.state == "failed" && failed.failure == "not_arrived")
  }

  // MARK: - Where it goes

  @Test
  func aPlaceThatWasMovedIsNotAskedAboutACopy() async throws {
    let id = try await broken("app/key")
    var moved = ExportTests.document()
    moved.region = "eu-north-1"
    _ = try await server.service.writeDestination(.officer, "aws", moved)
    let calls = cloud.change { $0.calls.count }
    let error = await refused(.conflict) { _ = try await server.service.resumeExport(.officer, id) }
    #expect(error?.reason == "destination_changed")
    #expect(cloud.change { $0.calls.count } == calls)
    // Other words, as what it is called, do not move it.
    var same = ExportTests.document()
    same.description = "another description"
    _ = try await server.service.writeDestination(.officer, "aws", same)
    cloud.change { $0.arrival = .absent("nothing there") }
    #expect(try await server.service.resumeExport(.officer, id).state == "failed")
  }

  @Test
  func aWayThatIsShutBetweenTheStepsLeavesNothingOpen() async throws {
    try await server.create("app/key")
    let prepared = try await prepare("app/key")
    cloud.change { $0.failures[.open] = CloudFailure(.credentialsMissing, "There are none.") }
    await refused(.destinationFailed) { _ = try await complete(prepared) }
    let id = try #require(ExportID(prepared.id))
    let failed = try await server.service.showExport(.officer, id)
    #expect(failed.state == "failed" && failed.failure == "provider_credentials_missing")
    cloud.change { $0.failures = [:] }
    #expect(try await complete(try await prepare("app/key")).state == "proved")
  }

  @Test
  func aPushTakesNoWrappingKeyThatIsNotPinned() async throws {
    try await server.create("app/key")
    var document = ExportTests.document()
    document.pinnedKeys = [String(repeating: "0", count: 64)]
    _ = try await server.service.writeDestination(.officer, "aws", document)
    let error = await refused(.exportRefused) { _ = try await prepare("app/key") }
    #expect(error?.reason == "wrapping_key_unpinned")
    #expect(try await server.service.listExports(.officer, ExportFilter()).exports.isEmpty)
    document.pinnedKeys?.append(
      Hex.encode(Digest.sha256(try cloud.wrappingKey.publicKey().spki()))
    )
    _ = try await server.service.writeDestination(.officer, "aws", document)
    let prepared = try await prepare("app/key")
    #expect(prepared.provenance == "pinned")
    #expect(try await complete(prepared).state == "proved")
  }

  @Test
  func destinationsSayNeitherAddressNorAuthorityOfAProvider() async throws {
    func write(_ provider: String, _ change: (inout DestinationDocument) -> Void) async throws {
      var document = DestinationDocument(provider: provider)
      switch provider {
      case "aws": document.region = "eu-west-1"
      case "azure": (document.tenant, document.vault) = ("t", "keyward")
      case "google": (document.project, document.location, document.keyRing) = ("p", "l", "r")
      default: document.endpoint = "https://bao.example"
      }
      change(&document)
      let name = try #require(RegistryName("new-" + provider))
      _ = try await server.service.writeDestination(.officer, name, document)
    }
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    for provider in ["aws", "azure", "google"] {
      try await write(provider) { _ in }
      for endpoint in ["https://127.0.0.1:4566", "https://localhost:1", "https://evil.example"] {
        await refused(.invalidRequest) { try await write(provider) { $0.endpoint = endpoint } }
      }
      await refused(.invalidRequest) { try await write(provider) { $0.authorities = pem } }
    }
    try await write("openbao") { $0.authorities = pem }
    for vault in ["evil.example", "https://evil.example", "a:443", "-a"] {
      await refused(.invalidRequest) { try await write("azure") { $0.vault = vault } }
    }
    await refused(.invalidRequest) { try await write("aws") { $0.region = "evil.example" } }
    // Credentials of a kind that the provider has not: another's would be used in silence.
    for (provider, text) in [("aws", "file:a"), ("azure", "file:a"), ("openbao", "profile:a")] {
      await refused(.invalidRequest) { try await write(provider) { $0.credentials = text } }
    }
    let emulating = try await TestServer.unsealed(
      options: { () -> ServiceOptions in
        var options = ServiceOptions()
        options.takesForeignEndpoints = true
        return options
      }()
    )
    var emulator = ExportTests.document()
    emulator.endpoint = "https://127.0.0.1:4566"
    emulator.authorities = pem
    _ = try await emulating.service.writeDestination(.officer, "aws", emulator)
  }

  // MARK: - One at a time

  @Test
  func twoExportsOfOneVersionGoOneAfterTheOther() async throws {
    try await server.create("app/key")
    let first = try await prepare("app/key")
    var other = ExportTests.request("app/key")
    other.description = "another copy"
    let second = try await server.service.prepareExport(.officer, other)
    #expect(first.id != second.id)
    try await whileDelivering(first) {
      for export in [first, second] {
        let error = await refused(.conflict) { _ = try await complete(export) }
        #expect(error?.reason == "export_under_way")
      }
    }
    // The other waits as it was, and is completed when its turn comes.
    #expect(try await complete(second).state == "proved")
    let states = try await server.service.listExports(.officer, ExportFilter()).exports
    #expect(states.map(\.state) == ["proved", "proved"])
    #expect(cloud.change { $0.blobs.count } == 2)
  }

  @Test
  func twoPreparationsAtOnceMakeOneKeyAtTheProvider() async throws {
    try await server.create("app/key")
    let results = await withTaskGroup(of: Result<ExportInfo, any Error>.self) { group in
      for _ in 0..<8 {
        group.addTask {
          do { return .success(try await prepare("app/key")) } catch { return .failure(error) }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    var ids: Set<String> = []
    for result in results {
      switch result {
      case .success(let export): ids.insert(export.id)
      case .failure(let error):
        #expect((error as? ServiceError)?.reason == "export_under_way", "\(error)")
      }
    }
    #expect(ids.count == 1 && cloud.change { $0.keys } == 1)
    let first = try await prepare("app/key")
    #expect(ids == [first.id])
    #expect(try await complete(first).state == "proved")
  }

  @Test
  func twoKeysIntoOneKeyOfTheProviderGoOneAfterTheOther() async throws {
    let target = "arn:aws:kms:eu-west-1:111122223333:key/7"
    try await server.create("app/one")
    try await server.create("app/two")
    let first = try await prepare("app/one", target)
    let second = try await prepare("app/two", target)
    try await whileDelivering(first) {
      let error = await refused(.conflict) { _ = try await complete(second) }
      #expect(error?.reason == "export_under_way")
    }
    #expect(try await complete(second).state == "proved")
  }

  /// Runs `body` while `export` is on its way.
  private func whileDelivering(
    _ export: ExportInfo,
    _ body: () async throws -> Void
  ) async throws {
    let (there, go) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    cloud.change {
      $0.whenDelivering = {
        there.signal()
        go.wait()
      }
    }
    async let done = complete(export)
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        there.wait()
        continuation.resume()
      }
    }
    cloud.change { $0.whenDelivering = nil }
    let result: Result<Void, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    go.signal()
    #expect(try await done.state == "proved")
    try result.get()
  }

  // MARK: - Proof

  /// A fault of Keyward's own once looked like another key at the provider.
  @Test
  func aFaultHereIsNoContradiction() async throws {
    try await server.create("app/key")
    _ = try await complete(try await prepare("app/key"))
    let material = try #require(cloud.change { $0.material })
    func sample(
      _ cipher: SealedSample.Cipher = .aesGCM,
      nonce: Int = 12,
      tag: Int = 16
    ) -> SealedSample {
      SealedSample(
        cipher,
        nonce: [UInt8](repeating: 1, count: nonce),
        ciphertext: [UInt8](repeating: 2, count: 32),
        tag: [UInt8](repeating: 3, count: tag)
      )
    }
    // Another key's: certain.
    #expect(try await material.open(sample()) == nil)
    for malformed in [sample(nonce: 11), sample(nonce: 0)] {
      await #expect(throws: ProofObstacle.self) { _ = try await material.open(malformed) }
    }
    // A sealed server cannot open its own key, which says nothing about the provider's.
    _ = try await server.service.seal(.officer)
    await #expect(throws: ProofObstacle.self) { _ = try await material.open(sample()) }
    await #expect(throws: ProofObstacle.self) { _ = try await material.mac(.sha256, [1]) }
  }
}
