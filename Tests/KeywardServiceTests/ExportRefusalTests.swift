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
}
