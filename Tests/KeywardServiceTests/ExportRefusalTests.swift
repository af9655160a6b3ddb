import KeywardAudit
import KeywardCrypto
import KeywardExport
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// What is refused of an export: to whom it is said, and that it is written down.
@Suite
struct ExportRefusalTests {
  private let server: TestServer

  init() async throws {
    server = try await TestServer.unsealed(exporter: FakeCloud())
    try await server.apply(ExportTests.policy)
  }

  @Test
  func thatAFileIsNotRenewedIsSaidOnlyToWhoMayAsk() async throws {
    try await server.importKey("app/key", .aes256)
    _ = try await server.service.exportKey(
      .officer,
      name: "app/key",
      ExportKeyRequest(format: .raw),
      input: .of("")
    )
    let exports = try await server.service.listExports(.officer, ExportFilter()).exports
    let id = try #require(exports.first.flatMap { ExportID($0.id) })
    for (caller, code) in [(Caller.named("nobody"), ErrorCode.forbidden), (.officer, .conflict)] {
      let start = try server.logSize()
      await refused(code) {
        _ = try await server.service.renewExport(caller, id, RenewExportRequest())
      }
      let event = try #require(try server.events(from: start).last)
      #expect(event.operation == "export:renew" && event.outcome == .refused)
    }
  }

  @Test(arguments: GoogleJobMethod.all.filter { $0.algorithm.hash != .sha1 })
  func aBundleHasTheImportMethodOfItsJob(_ method: GoogleJobMethod) async throws {
    try await server.importKey("app/key", .aes256)
    var google = DestinationDocument(provider: "google")
    (google.project, google.location, google.keyRing) = ("p", "global", "r")
    google.minimumRSABits = 3072
    _ = try await server.service.writeDestination(.officer, "google", google)
    let key = try PrivateKey.generate(.rsa(bits: method.bits)).publicKey().spki()
    var request = PrepareExportRequest(key: "app/key", destination: "google", mode: "bundle")
    request.targetName = "copy"
    let answer = JSONText.object([
      ("name", .string("projects/p/locations/global/keyRings/r/importJobs/j")),
      ("importMethod", .string(method.name)), ("protectionLevel", .string("HSM")),
      ("state", .string("ACTIVE")), ("expireTime", .string("2099-01-01T00:00:00Z")),
      ("publicKey", .object([("pem", .string(PEMText.encode(publicKey: key)))])),
    ])
    request.parameters = String(decoding: answer.bytes, as: UTF8.self)
    let prepared = try await server.service.prepareExport(.officer, request)
    #expect(prepared.algorithm == method.algorithm.rawValue)
    #expect(prepared.wrappingKeyBits == method.bits)
    // Who says another than the job does is told which it is.
    request.wrappingKeyBits = method.bits
    request.wrappingAlgorithm =
      (method.algorithm == .oaepSHA256 ? WrappingAlgorithm.hybridSHA256 : .oaepSHA256).rawValue
    let error = await refused(.exportRefused) {
      _ = try await server.service.prepareExport(.officer, request)
    }
    #expect(error?.reason == "parameters_mixed")
    #expect(error?.remedy?.contains("--wrapping-algorithm \(method.algorithm.rawValue)") == true)
  }
}
