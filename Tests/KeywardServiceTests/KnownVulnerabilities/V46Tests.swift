import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// OpenBao GHSA-g892, Vault CVE-2024-7594: a constraint holds on one form of input only.
@Suite
struct V46Tests {
  /// What is wrong with a request, whichever way the key comes in.
  struct Wrong: CustomTestStringConvertible, Sendable {
    let words: String
    let code: ErrorCode
    let change: @Sendable (inout CreateKeyRequest) -> Void

    var testDescription: String { words }
  }

  static let wrong: [Wrong] = [
    Wrong(words: "an unknown type", code: .invalidRequest) { $0.type = "aes-512" },
    Wrong(words: "a type in capitals", code: .invalidRequest) { $0.type = "AES-256" },
    Wrong(words: "an unknown operation", code: .invalidRequest) { $0.operations = ["any"] },
    Wrong(words: "an operation twice", code: .invalidRequest) {
      $0.operations = ["encrypt", "encrypt"]
    },
    Wrong(words: "an operation of another type", code: .keyUsage) { $0.operations = ["sign"] },
    Wrong(words: "too many approvals", code: .invalidRequest) { $0.requiredApprovals = 17 },
    Wrong(words: "approvals below nothing", code: .invalidRequest) { $0.requiredApprovals = -1 },
    Wrong(words: "a period of seconds", code: .invalidRequest) { $0.rotationPeriod = 1 },
    Wrong(words: "a period below nothing", code: .invalidRequest) { $0.rotationPeriod = -3600 },
    Wrong(words: "a period without end", code: .invalidRequest) { $0.rotationPeriod = .max },
    Wrong(words: "a destination twice", code: .invalidRequest) {
      $0.allowedDestinations = ["aws", "aws"]
    },
    Wrong(words: "an empty destination", code: .invalidRequest) { $0.allowedDestinations = [""] },
    Wrong(words: "many destinations", code: .invalidRequest) {
      $0.allowedDestinations = (0..<33).map { "d\($0)" }
    },
  ]

  @Test(arguments: wrong)
  func everyFormRefusesIt(_ wrong: Wrong) async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    var request = CreateKeyRequest(name: "a/key", type: "aes-256")
    wrong.change(&request)
    await refused(wrong.code) { try await service.createKey(.officer, request) }
    await refused(wrong.code) {
      try await service.importKey(
        .officer,
        name: "a/key",
        ImportRequest(format: .raw, newKey: request),
        material: .of(KeyFixtures.material(.aes256))
      )
    }
    #expect(try server.key("a/key") == nil)
    guard request.type == "aes-256" else { return }
    try await server.create("a/key")
    let before = try server.key("a/key")
    await refused(wrong.code) {
      try await service.updateKey(
        .officer,
        name: "a/key",
        UpdateKeyRequest(
          operations: request.operations,
          allowedDestinations: request.allowedDestinations,
          requiredApprovals: request.requiredApprovals,
          rotationPeriod: request.rotationPeriod
        )
      )
    }
    #expect(try server.key("a/key") === before)
  }

  /// Left out, a limit is the tight one: no export, one pair of operations, in every form.
  @Test(arguments: KeyType.allCases)
  func defaultsAreTight(_ type: KeyType) async throws {
    let server = try await TestServer.unsealed()
    let expected: [KeyOperation] =
      switch type {
      case .aes128, .aes256, .chacha20Poly1305: [.encrypt, .decrypt]
      case .hmacSHA256, .hmacSHA384, .hmacSHA512: [.mac, .macVerify]
      case .x25519: [.agree]
      case .opaque: []
      default: [.sign, .verify]
      }
    let imported = try await server.service.importKey(
      .officer,
      name: "a/imported",
      ImportRequest(
        format: type.isKeyPair ? .pkcs8 : .raw,
        newKey: CreateKeyRequest(name: "a/imported", type: type.rawValue)
      ),
      material: .of(KeyFixtures.material(type))
    )
    #expect(imported.operations == expected)
    // Making a large RSA key takes seconds, and its defaults are those of the type.
    guard ![.opaque, .rsa3072, .rsa4096].contains(type) else { return }
    let made = try await server.service.createKey(
      .officer,
      CreateKeyRequest(name: "a/made", type: type.rawValue)
    )
    #expect(made.operations == expected)
  }

  /// Limits bind each version alike, however it came: made, imported, rotated, by hand or by time.
  @Test
  func limitsBindEveryVersion() async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    _ = try await service.createKey(
      .officer,
      CreateKeyRequest(
        name: "a/key",
        type: "aes-256",
        operations: ["encrypt", "decrypt"],
        neverExportable: true,
        deletionProtected: true,
        rotationPeriod: 3600
      )
    )
    try await server.importVersion("a/key", .aes256)
    _ = try await service.rotateKey(.officer, name: "a/key")
    server.clock.advance(seconds: 3600)
    try await server.tick()
    #expect(
      try server.key("a/key")?.versions.map(\.origin) == [
        .generated, .imported, .generated, .generated,
      ]
    )
    let made = KeyUse.Artefacts()
    for version in [1, 2, 3, 4, nil] {
      for use in [KeyUse.wrap, .unwrap, .derive, .sign, .mac] {
        await refused(.keyUsage) {
          try await use.perform(server, "a/key", version: version, made)
        }
      }
      await refused(.keyUsage) {
        try await service.destroyKey(.officer, name: "a/key", version: version, after: 0)
      }
    }
  }
}
