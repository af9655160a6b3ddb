import Foundation
import KeywardCrypto
import KeywardExport
import KeywardModel
import KeywardService
import KeywardTesting
import Synchronization
import Testing

/// Exports of a whole service to providers that fail, at each step and in each way.
@Suite("Export matrix", .serialized)
struct ExportMatrixTests {
  /// A way to a fake without retries, so that each fault is seen.
  private final class Gateway: ExportGateway {
    private let make: @Sendable () throws -> any CloudDestination
    private let session: @Sendable (Int) -> CloudSession
    let timeout = Mutex(20_000)

    init(
      _ make: @escaping @Sendable () throws -> any CloudDestination,
      session: @escaping @Sendable (Int) -> CloudSession
    ) {
      self.make = make
      self.session = session
    }

    func open(
      _ destination: Destination,
      now: @escaping @Sendable () -> Timestamp
    ) throws(CloudFailure) -> (any CloudDestination, CloudSession) {
      do { return (try make(), session(timeout.withLock { $0 })) } catch {
        throw CloudFailure(.internalFailure, "The test has no destination.")
      }
    }
  }

  private static let kinds = [
    "cut", "cut-after", "hang", "429", "500", "malformed", "redirect", "huge", "certificate",
    "other-name",
  ]

  /// All of them; in the short form three a step, so that each comes up at some step of a push.
  private static func kinds(_ step: Int) -> [String] {
    isLong ? kinds : (0..<3).map { kinds[(step * 3 + $0) % kinds.count] }
  }

  /// A provider, the key and destination for it.
  private struct Subject {
    let name: RegistryName
    let fake: Fake
    let type: KeyType
    let document: DestinationDocument
    let gateway: Gateway

    /// The fake of the document's provider.
    init(
      _ type: KeyType,
      _ document: DestinationDocument,
      _ make: @escaping @Sendable (Fake) throws -> any CloudDestination
    ) throws {
      let fake = try Fake(document.provider)
      name = try #require(RegistryName(document.provider))
      self.fake = fake
      self.type = type
      self.document = document
      gateway = Gateway({ try make(fake) }, session: { fake.session(timeout: $0) })
    }

    static func all() throws -> [Subject] {
      var aws = DestinationDocument(provider: "aws")
      aws.region = "eu-central-1"
      var azure = DestinationDocument(provider: "azure")
      (azure.tenant, azure.vault, azure.kek) = ("tenant", "vault", "byok-kek")
      var google = DestinationDocument(provider: "google")
      (google.project, google.location, google.keyRing) = ("keyward-test", "europe-west1", "ring")
      var bao = DestinationDocument(provider: "openbao")
      bao.endpoint = "https://bao.example"
      return [
        try Subject(.hmacSHA256, aws) { try AWSPushTests.destination($0) },
        try Subject(.ecP256, azure) { try AzurePushTests.destination($0) },
        try Subject(.hmacSHA256, google) { try GooglePushTests.destination($0) },
        try Subject(.hmacSHA256, bao) { try TransitPushTests.destination($0) },
      ]
    }
  }

  /// One service with one provider.
  private struct Bench {
    let subject: Subject
    let server: TestServer

    init(_ subject: Subject) async throws {
      self.subject = subject
      server = try await TestServer.unsealed(exporter: subject.gateway)
      _ = try await server.service.writeDestination(.officer, subject.name, subject.document)
    }

    /// Both clocks on the same moment, so many seconds later.
    func advance(_ seconds: Int64 = 0) throws {
      if seconds > 0 { try subject.fake.advance(seconds) }
      let behind = subject.fake.now.milliseconds - server.clock.now().milliseconds
      server.clock.advance(seconds: behind / 1000)
    }

    func prepare(_ key: String) async throws(ServiceError) -> ExportInfo {
      var request = PrepareExportRequest(
        key: key,
        destination: subject.name.description,
        mode: "push"
      )
      if subject.document.provider != "aws" { request.targetName = "at-" + key }
      return try await service().prepareExport(.officer, request)
    }

    func complete(_ export: ExportInfo) async throws(ServiceError) -> ExportInfo {
      guard let id = ExportID(export.id) else { throw ServiceError(.internalError, "No id.") }
      return try await service().completeExport(.officer, id, CompleteExportRequest(export)).export
    }

    func exports(_ key: String) async throws -> [ExportInfo] {
      try await service().listExports(.officer, ExportFilter(key: try KeyName(key))).exports
    }

    func service() throws(ServiceError) -> KeywardService {
      do { return try server.service } catch {
        throw ServiceError(.internalError, "The server is stopped.")
      }
    }
  }

  @Test("Each fault at each step: a clear error, no half-made record, and a second run completes")
  func matrix() async throws {
    var cells: [String: Int] = [:]
    for subject in try Subject.all() {
      let bench = try await Bench(subject)
      try bench.advance()
      try await bench.server.create("first", subject.type)
      try subject.fake.arm(nil)
      let first = try await bench.complete(try await bench.prepare("first"))
      #expect(first.state == "proved", "\(subject.name): \(first.proofDetail ?? "")")
      let steps = try subject.fake.steps()
      for (index, step) in steps.enumerated() {
        for kind in Self.kinds(index) {
          let number = cells["\(subject.name)", default: 0]
          cells["\(subject.name)"] = number + 1
          try await cell(bench, "key-\(number)", kind, index, "\(subject.name) \(step) \(kind)")
        }
      }
    }
    print("Cells of the export matrix: \(cells.sorted { $0.key < $1.key })")
    #expect(cells.values.reduce(0, +) >= (isLong ? 240 : 72), "\(cells)")
  }

  private func cell(
    _ bench: Bench,
    _ key: String,
    _ kind: String,
    _ index: Int,
    _ what: String
  ) async throws {
    let (fake, gateway) = (bench.subject.fake, bench.subject.gateway)
    try await bench.server.create(key, bench.subject.type)
    try fake.ask("forget")
    try bench.advance()
    gateway.timeout.withLock { $0 = kind == "hang" ? 300 : 20_000 }
    try fake.arm(kind, at: index)
    var prepared: ExportInfo?
    var error: ServiceError?
    do throws(ServiceError) {
      let export = try await bench.prepare(key)
      prepared = export
      _ = try await bench.complete(export)
    } catch let failure {
      error = failure
    }
    let imports = try fake.steps().filter { $0 == "import" || $0.hasPrefix("Import") }.count
    #expect(imports <= 1, "\(what) sent the blob \(imports) times")
    if let error {
      #expect(error.code == .destinationFailed || error.code == .exportRefused, "\(what): \(error)")
      #expect(error.message.hasSuffix(".") && error.message.count > 20, "\(what): \(error.message)")
      #expect(!error.message.contains("Optional("), "\(what): \(error.message)")
      #expect(error.reason?.isEmpty == false, "\(what)")
    }
    // What is written down is what is known: nothing before the wrapping key is there, then one
    // record that says whether the key may have left.
    let states = try await bench.exports(key).map(\.state)
    if prepared == nil {
      #expect(error != nil && states.isEmpty, "\(what): \(states)")
    } else if error != nil {
      #expect([["failed"], ["sending"]].contains(states), "\(what): \(states)")
    } else {
      #expect([["delivered"], ["proved"]].contains(states), "\(what): \(states)")
    }
    gateway.timeout.withLock { $0 = 20_000 }
    try fake.arm(nil)
    let end = try await secondRun(bench, key, states.first, what)
    #expect(end?.state == "proved", "\(what): \(end?.state ?? "-") \(end?.failureDetail ?? "")")
    let live = try await bench.exports(key).filter {
      ["sending", "delivered", "proved", "contradicted"].contains($0.state)
    }
    #expect(live.count == 1, "\(what): \(live.map(\.state))")
  }

  /// What a person does next: the same again, or what the record says.
  private func secondRun(
    _ bench: Bench,
    _ key: String,
    _ state: String?,
    _ what: String
  ) async throws -> ExportInfo? {
    let open = try await bench.exports(key).first
    let id = open.flatMap { ExportID($0.id) }
    switch state {
    case "proved": return open
    case "delivered":
      guard let id else { return nil }
      return try await bench.service().verifyExport(.officer, id)
    case "sending":
      guard let id else { return nil }
      // Another export beside one that may have arrived is refused.
      await #expect(throws: ServiceError.self, "\(what)") { _ = try await bench.prepare(key) }
      try bench.advance(SentImport.settling + 1)
      let found = try await bench.service().resumeExport(.officer, id)
      guard found.state == "failed" else {
        return found.state == "proved"
          ? found : try await bench.service().verifyExport(.officer, id)
      }
      return try await bench.complete(try await bench.prepare(key))
    default: return try await bench.complete(try await bench.prepare(key))
    }
  }
}
