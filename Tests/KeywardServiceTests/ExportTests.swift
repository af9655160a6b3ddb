import Foundation
import KeywardAudit
import KeywardCrypto
import KeywardExport
import KeywardModel
import KeywardService
import KeywardStore
import KeywardTesting
import Testing

/// Exports as a requester, approvers and the provider meet them, with a provider in memory.
@Suite
struct ExportTests {
  static let policy = """
    apiVersion: keyward.dev/v1
    kind: Role
    metadata: {name: exporter}
    spec:
      rules:
        - {effect: allow, operations: ["key:cloud-export", "export:*", "key:destroy"],
           resources: ["keys/**", "exports"]}
        - {effect: allow, operations: ["approval:*"], resources: [approvals]}
    ---
    apiVersion: keyward.dev/v1
    kind: Role
    metadata: {name: plain}
    spec:
      rules:
        - {effect: allow, operations: ["key:*", "export:*"], resources: ["keys/**", "exports"]}
    ---
    apiVersion: keyward.dev/v1
    kind: Binding
    metadata: {name: exporters}
    spec:
      role: exporter
      subjects: [{issuer: tokens, name: ann}, {issuer: tokens, name: bob}, {issuer: tokens, name: eve}]
    ---
    apiVersion: keyward.dev/v1
    kind: Binding
    metadata: {name: plains}
    spec:
      role: plain
      subjects: [{issuer: tokens, name: pat}]
    ---
    apiVersion: keyward.dev/v1
    kind: ApprovalRule
    metadata: {name: two}
    spec:
      operations: ["key:cloud-export", "key:export"]
      resources: ["keys/guarded/**"]
      require: {n: 2, of: [{issuer: tokens, name: ann}, {issuer: tokens, name: bob}]}

    """

  static let (ann, bob, eve, pat) = (
    Caller.named("ann"), Caller.named("bob"), Caller.named("eve"), Caller.named("pat")
  )

  let cloud: FakeCloud
  let server: TestServer

  init() async throws {
    cloud = try FakeCloud()
    server = try await TestServer.unsealed(isFaulty: true, exporter: cloud)
    _ = try await server.service.writeDestination(.officer, Self.aws, Self.document())
    try await server.apply(Self.policy)
  }

  static let aws: RegistryName = "aws"

  static func document() -> DestinationDocument {
    var document = DestinationDocument(provider: "aws")
    document.region = "eu-west-1"
    return document
  }

  static func request(_ key: KeyName) -> PrepareExportRequest {
    PrepareExportRequest(key: key.description, destination: "aws", mode: "push")
  }

  private func prepare(
    _ key: KeyName,
    _ caller: Caller = Self.eve
  ) async throws -> ExportInfo {
    try await server.service.prepareExport(caller, Self.request(key))
  }

  private func complete(
    _ export: ExportInfo,
    _ caller: Caller = Self.eve
  ) async throws -> ExportInfo {
    let id = try #require(ExportID(export.id))
    return try await server.service.completeExport(caller, id, CompleteExportRequest(export)).export
  }

  private func export(_ key: KeyName) async throws -> ExportInfo {
    try await complete(try await prepare(key))
  }

  // MARK: - The whole way

  @Test(arguments: [KeyType.aes256, .rsa2048, .ecP256, .hmacSHA256])
  func aKeyArrivesAsItIs(_ type: KeyType) async throws {
    try await server.importKey("app/key", type)
    let prepared = try await prepare("app/key")
    #expect(prepared.state == "prepared" && prepared.provenance == "fetched")
    #expect(prepared.operation == "key:cloud-export" && prepared.blobSHA256 == nil)
    let done = try await complete(prepared)
    #expect(done.state == "proved" && done.proof == "proved" && done.materialID == "material-1")
    let blob = try #require(cloud.change { $0.blobs.first })
    #expect(done.blobSHA256 == Hex.encode(Digest.sha256(blob)))
    let algorithm = try #require(WrappingAlgorithm(rawValue: done.algorithm))
    let opened = try ExportEnvelope.open(blob, algorithm, with: cloud.wrappingKey)
    let material = try KeyFixtures.material(type)
    if type.isKeyPair {
      let key = try PrivateKey(pkcs8: opened)
      let original = try PrivateKey(pkcs8: SecretBox.of(material).bytes)
      #expect(try key.publicKey().spki() == original.publicKey().spki())
    } else {
      #expect(opened.revealed() == material)
    }
    // Before, when it left, when it arrived and when it was proved: each has its entry.
    let events = try server.events().filter { event in
      event.details.contains(.export(AuditWord(done.id)))
    }
    #expect(
      events.map(\.operation) == [
        "export:prepare", "key:cloud-export", "export:record", "export:record",
      ]
    )
    #expect(events[1].details.contains(.blob(AuditDigest(Digest.sha256(blob)))))
    #expect(events[1].details.contains(.exportState(AuditWord("sending"))))
    #expect(
      events[2].details.contains { detail in
        if case .copy(let key, _) = detail { return key.text == done.providerKeyID }
        return false
      }
    )
  }

  @Test
  func theSameRequestFindsItsPreparedExport() async throws {
    try await server.create("app/key")
    let first = try await prepare("app/key")
    #expect(try await prepare("app/key").id == first.id)
    #expect(cloud.change { $0.calls } == [.open, .prepare])
    // Neither that of another caller nor one whose parameters are over.
    #expect(try await prepare("app/key", .officer).id != first.id)
    server.clock.advance(seconds: 86_400)
    #expect(try await prepare("app/key").id != first.id)
    await refused(.exportRefused) { _ = try await complete(first) }
  }

  // MARK: - Rights and provenance

  @Test
  func aWrappingKeyOfTheCallersIsPlainExport() async throws {
    try await server.create("app/key")
    let own = try PrivateKey.generate(.rsa(bits: 4096)).publicKey().spki()
    var request = Self.request("app/key")
    request.mode = "bundle"
    request.wrappingAlgorithm = "RSAES_OAEP_SHA_256"
    request.wrappingKeyBits = 4096
    request.parameters = Self.answer(own)
    let before = try server.logSize()
    let error = await refused(.forbidden) {
      _ = try await server.service.prepareExport(Self.eve, request)
    }
    #expect(error?.reason == "wrapping_key_supplied")
    let event = try #require(try server.events(from: before).last)
    #expect(event.operation == "export:prepare" && event.outcome == .refused)
    #expect(event.reason == "wrapping_key_supplied")
    #expect(
      event.details.contains(
        .wrapping(
          algorithm: AuditWord("RSAES_OAEP_SHA_256"),
          key: AuditDigest(Digest.sha256(own))
        )
      )
    )
    #expect(try await server.service.listExports(.officer, ExportFilter()).exports.isEmpty)
    // With the right it is export in plain, and says so.
    let plain = try await server.service.prepareExport(Self.pat, request)
    #expect(plain.provenance == "supplied" && plain.operation == "key:export")
    // Somebody with cloud-export alone cannot complete what another prepared.
    await refused(.forbidden) { _ = try await complete(plain, Self.eve) }
    let id = try #require(ExportID(plain.id))
    let result = try await server.service.completeExport(
      Self.pat,
      id,
      CompleteExportRequest(plain)
    )
    #expect(result.export.state == "delivered" && !result.files.isEmpty)
    // A key without the operation export refuses even who has the right.
    try await server.create("app/tight", operations: ["encrypt", "decrypt", "cloud-export"])
    request.key = "app/tight"
    await refused(.keyUsage) { _ = try await server.service.prepareExport(Self.pat, request) }
    // A pinned fingerprint is as good as a fetched key.
    var pinned = Self.document()
    pinned.pinnedKeys = [Hex.encode(Digest.sha256(own))]
    _ = try await server.service.writeDestination(.officer, Self.aws, pinned)
    let allowed = try await server.service.prepareExport(Self.eve, request)
    #expect(allowed.provenance == "pinned" && allowed.operation == "key:cloud-export")
  }

  @Test
  func neverExportableByWhateverRoute() async throws {
    try await server.create("app/key")
    let prepared = try await prepare("app/key")
    let done = try await complete(try await prepare("app/key", .officer), .officer)
    _ = try await server.service.updateKey(
      .officer,
      name: "app/key",
      UpdateKeyRequest(neverExportable: true)
    )
    let (first, second) = (try #require(ExportID(prepared.id)), try #require(ExportID(done.id)))
    var bundle = Self.request("app/key")
    bundle.mode = "bundle"
    bundle.parameters = Self.answer(try cloud.wrappingKey.publicKey().spki())
    var dry = Self.request("app/key")
    dry.dryRun = true
    let (bundled, dryRun) = (bundle, dry)
    let routes: [@Sendable () async throws -> Void] =
      [
        { _ = try await server.service.prepareExport(.officer, Self.request("app/key")) },
        { _ = try await server.service.prepareExport(.officer, bundled) },
        { _ = try await server.service.prepareExport(.officer, dryRun) },
        {
          _ = try await server.service.completeExport(
            Self.eve,
            first,
            CompleteExportRequest(prepared)
          )
        },
        { _ = try await server.service.renewExport(.officer, second, RenewExportRequest()) },
        {
          _ = try await server.service.renewExport(
            .officer,
            second,
            RenewExportRequest(rotate: true)
          )
        },
      ]
      + ExportKeyRequest.Format.allCases.map { format in
        {
          _ = try await server.service.exportKey(
            .officer,
            name: "app/key",
            ExportKeyRequest(format: format),
            input: .of("a password of some length")
          )
        }
      }
    let calls = cloud.change { $0.blobs.count }
    for route in routes {
      let error = await refused(.keyUsage) { try await route() }
      #expect(error?.reason == "never_exportable")
    }
    #expect(cloud.change { $0.blobs.count } == calls)
    // Nor does a new version, a state or a restart bring a way back.
    _ = try await server.service.rotateKey(.officer, name: "app/key")
    try await server.restart()
    await refused(.keyUsage) {
      _ = try await server.service.prepareExport(.officer, Self.request("app/key"))
    }
  }

  @Test
  func allowedDestinationsAreAsked() async throws {
    try await server.create("app/key")
    _ = try await server.service.updateKey(
      .officer,
      name: "app/key",
      UpdateKeyRequest(allowedDestinations: ["other"])
    )
    let error = await refused(.keyUsage) { _ = try await prepare("app/key", .officer) }
    #expect(error?.reason == "destination_not_allowed")
  }

  @Test
  func forbiddenCellsAreRefusedBeforeAnythingIsAsked() async throws {
    try await server.create("app/ed", .ed25519)
    var request = Self.request("app/ed")
    var error = await refused(.exportRefused) {
      _ = try await server.service.prepareExport(Self.eve, request)
    }
    #expect(error?.reason == "key_type_not_importable")
    try await server.create("app/key")
    request.key = "app/key"
    request.wrappingAlgorithm = "RSA_AES_KEY_WRAP_SHA_256"
    error = await refused(.exportRefused) {
      _ = try await server.service.prepareExport(Self.eve, request)
    }
    #expect(error?.reason == "wrapping_not_for_key")
    request.wrappingAlgorithm = "RSAES_OAEP_SHA_1"
    error = await refused(.exportRefused) {
      _ = try await server.service.prepareExport(Self.eve, request)
    }
    #expect(error?.reason == "sha1_avoidable")
    request.wrappingAlgorithm = "RSAES_OAEP_SHA_256"
    request.wrappingKeyBits = 2048
    error = await refused(.exportRefused) {
      _ = try await server.service.prepareExport(Self.eve, request)
    }
    #expect(error?.reason == "wrapping_key_too_small")
    #expect(cloud.change { $0.calls }.isEmpty)
  }

  // MARK: - Approvals

  @Test
  func aQuorumIsVoidedByOneChangedByte() async throws {
    try await server.create("guarded/key")
    let prepared = try await prepare("guarded/key")
    let id = try #require(ExportID(prepared.id))
    let service = try server.service
    func ask(_ body: CompleteExportRequest, _ approval: ApprovalID?) async throws -> ExportResult {
      // The digest of the request is that of its body, as the transport makes it.
      let text = String(decoding: try JSONEncoder().encode(Sorted(body)), as: UTF8.self)
      return try await service.completeExport(Self.eve.asking(text, approval), id, body)
    }
    let right = CompleteExportRequest(prepared)
    let error = await refused(.approvalRequired) { _ = try await ask(right, nil) }
    let approval = try #require(error?.approval)
    for voter in [Self.ann, Self.bob] {
      _ = try await service.vote(voter, approval, isApproval: true)
    }
    var changes: [CompleteExportRequest] = []
    for change in [
      { (request: inout CompleteExportRequest) in request.key += "x" },
      { $0.version += 1 },
      { $0.destination += "2" },
      { $0.algorithm = "RSAES_OAEP_SHA_1" },
      {
        // Another digit, whichever it was.
        let first = $0.wrappingKeySHA256.hasPrefix("0") ? "1" : "0"
        $0.wrappingKeySHA256 = first + $0.wrappingKeySHA256.dropFirst()
      },
      { $0.validUntil = "2027-01-01T00:00:00.000Z" },
    ] as [(inout CompleteExportRequest) -> Void] {
      var request = right
      change(&request)
      changes.append(request)
    }
    for change in changes {
      await refused(.approvalRequired) { _ = try await ask(change, approval) }
    }
    #expect(cloud.change { $0.blobs }.isEmpty)
    let done = try await ask(right, approval)
    #expect(done.export.state == "proved" && done.export.approval == approval.description)
    #expect(Set(done.export.approvers.map(\.name)) == ["ann", "bob"])
    // Used once.
    await refused(.approvalRequired) { _ = try await ask(right, approval) }
    // Even approved, other words than those of the record do not complete it.
    let next = try await prepare("guarded/key", Self.ann)
    #expect(next.id != prepared.id)
  }

  @Test
  func wordsThatAreNotThoseOfTheRecordCompleteNothing() async throws {
    try await server.create("app/key")
    let prepared = try await prepare("app/key")
    let id = try #require(ExportID(prepared.id))
    var request = CompleteExportRequest(prepared)
    request.version = 2
    let wrong = request
    let error = await refused(.invalidRequest) {
      _ = try await server.service.completeExport(Self.eve, id, wrong)
    }
    #expect(error?.reason == "export_mismatch")
  }

  @Test
  func aChangedDestinationVoidsWhatWasPrepared() async throws {
    try await server.create("app/key")
    let prepared = try await prepare("app/key")
    var document = Self.document()
    document.region = "eu-north-1"
    _ = try await server.service.writeDestination(.officer, Self.aws, document)
    let error = await refused(.conflict) { _ = try await complete(prepared) }
    #expect(error?.reason == "destination_changed")
  }

  @Test
  func aKeyThatBacksACopyIsNotDestroyedWithoutApproval() async throws {
    try await server.create("app/key")
    let done = try await export("app/key")
    let caller = Caller.officer.asking("destroy")
    let error = await refused(.approvalRequired) {
      _ = try await server.service.destroyKey(caller, name: "app/key", version: nil, after: 60)
    }
    let approval = try #require(error?.approval)
    let shown = try await server.service.showApproval(.officer, approval)
    #expect(shown.requirements.contains { $0.contains("live_copies") })
    await refused(.approvalRequired) {
      _ = try await server.service.destroyKey(.officer, name: "app/key", version: nil, after: 60)
    }
    _ = try await server.service.vote(Self.ann, approval, isApproval: true)
    _ = try await server.service.destroyKey(
      Caller.officer.asking("destroy", approval),
      name: "app/key",
      version: nil,
      after: 60
    )
    // What somebody says is gone holds nothing back.
    try await server.create("app/other")
    _ = try await export("app/other")
    let other = try await server.service.listExports(
      .officer,
      ExportFilter(key: "app/other")
    ).exports
    let id = try #require(other.first.flatMap { ExportID($0.id) })
    #expect(try await server.service.retireExport(.officer, id).state == "retired")
    _ = try await server.service.destroyKey(.officer, name: "app/other", version: nil, after: 60)
    #expect(done.state == "proved")
  }

  // MARK: - What goes wrong

  @Test(arguments: FakeCloud.Step.allCases)
  func aFailureAtEachStepLeavesNothingHalfMade(_ step: FakeCloud.Step) async throws {
    try await server.create("app/key")
    cloud.change { $0.failures[step] = CloudFailure(.unavailable, "It is down.") }
    var failed = false
    do { _ = try await export("app/key") } catch { failed = true }
    // A copy that could not be proved is a copy all the same.
    #expect(failed == (step != .prove && step != .status))
    cloud.change { $0.failures = [:] }
    try await server.restart()
    if failed {
      let done = try await export("app/key")
      #expect(done.state == "proved")
      let tokens = cloud.change { $0.spent.count }
      #expect(tokens == cloud.change { $0.plans.count })
    }
    let live = try await server.service.listExports(.officer, ExportFilter()).exports.filter {
      ["sending", "delivered", "proved"].contains($0.state)
    }
    #expect(live.count == 1)
    // The key at the provider that the first run made is used by the second.
    #expect(cloud.change { $0.keys } == 1)
  }

  @Test(arguments: [true, false])
  func anExportThatBrokeOffIsFoundOut(_ arrived: Bool) async throws {
    try await server.create("app/key")
    cloud.change {
      $0.failures[.deliver] = CloudFailure(.timedOut, "No answer in time.", mayHaveActed: true)
      $0.arrivesDespiteFailure = arrived
    }
    await refused(.destinationFailed) { _ = try await export("app/key") }
    cloud.change { $0.failures = [:] }
    try await server.restart()
    // Not a second one beside it.
    await refused(.conflict) { _ = try await prepare("app/key") }
    let open = try #require(
      try await server.service.listExports(.officer, ExportFilter(state: "sending")).exports.first
    )
    let id = try #require(ExportID(open.id))
    if !arrived {
      // Too early to say that it did not.
      let error = await refused(.destinationFailed) {
        _ = try await server.service.resumeExport(Self.eve, id)
      }
      #expect(error?.reason == "arrival_unknown" && error?.remedy?.contains("Ask again") == true)
      #expect(try await server.service.showExport(.officer, id).state == "sending")
      server.clock.advance(seconds: SentImport.settling)
    }
    let resumed = try await server.service.resumeExport(Self.eve, id)
    #expect(resumed.state == (arrived ? "proved" : "failed"))
    #expect(cloud.change { $0.plans.count } == 1)
    if !arrived { #expect(try await export("app/key").state == "proved") }
  }

  @Test(arguments: 1...2)
  func aFullDiskAtEachCommit(_ skip: Int) async throws {
    try await server.create("app/key")
    let prepared = skip == 1 ? nil : try await prepare("app/key")
    // The commits of completing: leaving, arriving, the proof; each is tried twice when it fails.
    if skip <= 2 { try server.faults.failCommits(2) }
    var failed = false
    do {
      if let prepared { _ = try await complete(prepared) } else { _ = try await prepare("app/key") }
    } catch { failed = true }
    #expect(failed == (skip <= 2))
    if skip <= 2 { #expect(cloud.change { $0.blobs.isEmpty }) }
    try await server.restart()
    if failed { #expect(try await export("app/key").state == "proved") }
  }

  @Test
  func aReceiptThatCannotBeKeptIsFoundAgain() async throws {
    try await server.create("app/key")
    let prepared = try await prepare("app/key")
    let server = server
    // The store of the life before must be let go of by the time of the next.
    cloud.change { $0.whenDelivering = { (try? server.faults)?.failCommits(2) } }
    await refused(.storageFull) { _ = try await complete(prepared) }
    cloud.change { $0.whenDelivering = nil }
    try await server.restart()
    let id = try #require(ExportID(prepared.id))
    #expect(try await server.service.showExport(.officer, id).state == "sending")
    #expect(try await server.service.resumeExport(.officer, id).state == "proved")
    #expect(cloud.change { $0.blobs.count } == 1)
  }

  // MARK: - Inventory

  @Test
  func warningsCome30And7And1DaysBefore() async throws {
    try await server.create("app/key")
    let day: Int64 = 86_400
    let end = server.clock.now().adding(seconds: 40 * day)
    var request = Self.request("app/key")
    request.validUntil = end.rfc3339
    let done = try await complete(
      try await server.service.prepareExport(Self.eve, request)
    )
    let id = try #require(ExportID(done.id))
    func warning() async throws -> String? {
      try await server.service.showExport(.officer, id).warning
    }
    #expect(try await warning() == nil)
    for (days, words) in [(10, "30 days"), (23, "7 days"), (6, "1 day"), (1, "over")] {
      server.clock.advance(seconds: Int64(days) * day - 1)
      #expect(try await warning() != words)
      server.clock.advance(seconds: 1)
      #expect(try await warning() == words)
    }
    try await server.tick()
    #expect(try await server.service.showExport(.officer, id).state == "expired")
    #expect(try server.service.exportFigures()?.warnings == ["over": 1])
    // The same material again, under the id that the provider gave it.
    let renewed = try await complete(
      try await server.service.renewExport(Self.eve, id, RenewExportRequest())
    )
    #expect(renewed.state == "proved" && renewed.renews == done.id && renewed.warning == nil)
    let old = try await server.service.showExport(.officer, id)
    #expect(old.state == "superseded" && old.supersededBy == renewed.id)
    let plan = try #require(cloud.change { $0.plans.last })
    #expect(plan.importType == .existing && plan.materialID == "material-1")
    #expect(plan.providerKeyID == done.providerKeyID)
  }

  @Test
  func rotatingLeavesCopiesBehindUntilTheyAreRenewed() async throws {
    try await server.create("app/key")
    let done = try await export("app/key")
    _ = try await server.service.rotateKey(.officer, name: "app/key")
    let id = try #require(ExportID(done.id))
    #expect(try await server.service.showExport(.officer, id).isBehind)
    let renewed = try await complete(
      try await server.service.renewExport(Self.eve, id, RenewExportRequest(rotate: true))
    )
    #expect(renewed.version == 2 && !renewed.isBehind && renewed.state == "proved")
    #expect(cloud.change { $0.plans.last?.importType } == .new)
    // A version that was rotated out goes to where it was, and nowhere else.
    await refused(.keyState) {
      var request = Self.request("app/key")
      request.version = 1
      _ = try await server.service.prepareExport(Self.eve, request)
    }
  }

  @Test
  func aCopyThatIsAnotherKeyIsToldAsSuch() async throws {
    try await server.create("app/key")
    cloud.change { $0.proof = .contradicted("The MAC differs.") }
    let done = try await export("app/key")
    #expect(done.state == "contradicted" && done.proofDetail == "The MAC differs.")
    cloud.change { $0.proof = .notProvable("The ciphertext is opaque.") }
    let id = try #require(ExportID(done.id))
    #expect(try await server.service.verifyExport(Self.eve, id).proof == "not provable")
    cloud.change { $0.state = .gone }
    #expect(try await server.service.verifyExport(Self.eve, id).state == "expired")
  }

  @Test
  func aListingShowsOnlyWhatMayBeSeen() async throws {
    try await server.create("app/key")
    _ = try await export("app/key")
    #expect(try await server.service.listExports(Self.eve, ExportFilter()).exports.count == 1)
    await refused(.forbidden) {
      _ = try await server.service.listExports(.stranger, ExportFilter())
    }
    let id = try #require(ExportID("exp-" + String(repeating: "b", count: 26)))
    await refused(.notFound) { _ = try await server.service.showExport(.officer, id) }
    await refused(.forbidden) { _ = try await server.service.showExport(.stranger, id) }
  }

  // MARK: - Secrets

  @Test
  func neitherMaterialNorTokenIsInLogOrDatabase() async throws {
    try await server.importKey("app/key", .hmacSHA512)
    let prepared = try await prepare("app/key")
    let done = try await complete(prepared)
    #expect(done.state == "proved")
    var failing = Self.request("app/key")
    failing.targetKey = "arn:aws:kms:eu-west-1:111122223333:key/2"
    cloud.change { $0.failures[.deliver] = CloudFailure(.tokenInvalid, "The token is not valid.") }
    let second = try await server.service.prepareExport(Self.eve, failing)
    await refused(.destinationFailed) { _ = try await complete(second) }
    let material = try KeyFixtures.material(.hmacSHA512)
    let canaries: [[UInt8]] = [
      material, Array(Hex.encode(material).utf8), Array(Base64.encode(material).utf8),
      Array("canary-import-token".utf8),
      Array(Base64.encode(Array("canary-import-token".utf8)).utf8.prefix(24)),
    ]
    var texts = try server.stored().map(\.entry)
    let folder = server.folder("data")
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      texts.append(Array(try Data(contentsOf: URL(filePath: folder + "/" + name))))
    }
    for text in texts {
      for canary in canaries {
        #expect(Data(text).range(of: Data(canary)) == nil)
      }
    }
    #expect(texts.count > 4)
  }

  /// What `aws kms get-parameters-for-import` writes.
  private static func answer(_ spki: [UInt8]) -> String {
    """
    {"KeyId":"arn:aws:kms:eu-west-1:111122223333:key/9",\
    "ImportToken":"\(Base64.encode(Array("canary-import-token".utf8)))",\
    "PublicKey":"\(Base64.encode(spki))","ParametersValidTo":"2026-01-01T23:00:00Z"}
    """
  }
}

/// A body with its members in one order, as the client sends it.
private struct Sorted: Encodable {
  let words: [String]

  init(_ request: CompleteExportRequest) {
    words = [
      request.key, String(request.version), request.destination, request.algorithm,
      request.wrappingKeySHA256, request.validUntil,
    ]
  }
}
