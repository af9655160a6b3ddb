import KeywardCrypto
import KeywardModel
import KeywardService
import KeywardStore
import KeywardTesting
import Testing

/// OpenBao CVE-2025-52893, Vault CVE-2025-4166: a malformed request is echoed into errors and logs.
@Suite
struct V28Tests {
  private static let canary = "CANARY\u{1b}[31m\n\"'<script>"

  /// A canary in each text field of each request: the error names the field, never the value.
  @Test
  func errorsDoNotEchoValues() async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    try await server.importKey("a/aes", .aes256)
    try await server.importKey("a/ec", .ecP256)
    let canary = Self.canary
    func create(_ change: (inout CreateKeyRequest) -> Void) -> CreateKeyRequest {
      var request = CreateKeyRequest(name: "a/new", type: "aes-256")
      change(&request)
      return request
    }
    let attempts: [@Sendable () async throws -> Void] = [
      create { $0.name = canary }, create { $0.type = canary },
      create { $0.operations = [canary] },
      create { $0.operations = ["encrypt", canary] }, create { $0.allowedDestinations = [canary] },
      create { $0.allowedDestinations = [canary + String(repeating: "x", count: 500)] },
    ].map { request in { _ = try await service.createKey(.officer, request) } }
    let more: [@Sendable () async throws -> Void] = [
      {
        _ = try await service.updateKey(
          .officer,
          name: "a/aes",
          UpdateKeyRequest(operations: [canary])
        )
      },
      {
        _ = try await service.listKeys(
          .officer,
          prefix: canary,
          limit: 5,
          cursor: canary,
          deleted: false
        )
      },
      {
        _ = try await service.sign(
          .officer,
          name: "a/ec",
          CryptoRequest(algorithm: canary),
          message: .of("")
        )
      },
      {
        _ = try await service.sign(
          .officer,
          name: "a/ec",
          CryptoRequest(hash: canary),
          message: .of("")
        )
      },
      {
        _ = try await service.unwrap(
          .officer,
          name: "a/aes",
          CryptoRequest(algorithm: canary),
          wrapped: []
        )
      },
      { _ = try await server.kmsDecrypt("a/aes", Array(canary.utf8), canary) },
      { try await server.unseal([canary]) },
    ]
    for attempt in attempts + more {
      do {
        try await attempt()
        Issue.record("was not refused")
      } catch {
        #expect(!"\(error)".contains("CANARY"), "\(error)")
        #expect(!"\(error)".contains("\u{1b}"), "\(error)")
        #expect(!"\(error)".contains("script"), "\(error)")
      }
    }
  }

  /// Text that a client chooses and that the log does keep cannot forge a line or a field of it.
  @Test
  func theKMSUIDIsEscaped() async throws {
    let server = try await TestServer.unsealed()
    try await server.create("a/aes")
    let service = try server.service
    let secret = try TestServer.seedBox()
    let uid = "x\",\"outcome\":\"allowed\"\n\u{0}\u{202e}" + String(repeating: "y", count: 10_000)
    let start = try server.logSize()
    _ = try await service.awaiting { reply in
      service.kmsEncrypt(
        .kms("a/aes"),
        name: "a/aes",
        told: nil,
        plaintext: secret.bytes,
        uid: uid,
        reply: reply
      )
    }
    let entry = try #require(try server.stored(from: start).first).entry
    #expect(entry.count < 4096)
    #expect(entry.allSatisfy { (32...126).contains($0) })
    let text = String(decoding: entry, as: UTF8.self)
    #expect(text.split(separator: "\"outcome\":").count == 2)
  }
}
