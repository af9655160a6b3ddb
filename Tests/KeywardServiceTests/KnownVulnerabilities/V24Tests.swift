import KeywardAudit
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// AWS S3 Crypto CVE-2020-8911, jwx GO-2023-1859: failures of decryption that can be told apart.
///
/// `EncryptionTests`, `WrappingTests` and `KMSTests` change each byte; here all ways meet.
@Suite
struct V24Tests {
  @Test
  func allFailuresAreOneErrorInCodeAndText() async throws {
    let server = try await TestServer.unsealed()
    try await server.importKey("a/aes", .aes256)
    try await server.importKey("a/rsa", .rsa2048)
    let service = try server.service
    var errors: Set<ServiceError> = []
    for name in ["a/aes", "a/rsa"] as [KeyName] {
      let good = try await service.encrypt(
        .officer,
        name: name,
        CryptoRequest(),
        plaintext: .of("text")
      ).value
      let wrapped = try await service.wrap(
        .officer,
        name: name,
        CryptoRequest(),
        material: .of(KeyUse.material)
      ).value
      for (bytes, context) in [
        (good, "other"), (Array(good.reversed()), ""), (good.dropLast() + [0], ""), ([], ""),
        ([UInt8](repeating: 0, count: good.count), ""), (wrapped, ""),
        ([0x10, 0, 0, 0, 9] + good.dropFirst(5), ""), ([1, 0, 0, 0, 9] + good.dropFirst(5), ""),
      ] {
        let error = await refused(.decryptionFailed) {
          try await service.decrypt(
            .officer,
            name: name,
            CryptoRequest(context: Array(context.utf8)),
            ciphertext: bytes
          )
        }
        if let error { errors.insert(error) }
      }
      for bytes in [good, Array(wrapped.reversed()), [], [UInt8](repeating: 0, count: 256)] {
        let error = await refused(.decryptionFailed) {
          try await service.unwrap(.officer, name: name, CryptoRequest(), wrapped: bytes)
        }
        if let error { errors.insert(error) }
      }
    }
    #expect(errors.count == 1)
    // The log says no more than the answer does.
    let reasons = try server.events().filter { $0.outcome != .allowed }.map(\.reason)
    #expect(Set(reasons) == ["decryption_failed"])
  }

  /// No decryption with PKCS#1 v1.5 or CBC is offered by any name.
  @Test(arguments: ["rsa-pkcs1", "rsa1_5", "rsaes-pkcs1-v1_5", "aes-cbc", "aes-256-cbc"])
  func paddingOraclesAreNotOffered(_ algorithm: String) async throws {
    let server = try await TestServer.unsealed()
    try await server.importKey("a/aes", .aes256)
    try await server.importKey("a/rsa", .rsa2048)
    for name in ["a/aes", "a/rsa"] as [KeyName] {
      await refused(.keyUsage) {
        try await server.service.unwrap(
          .officer,
          name: name,
          CryptoRequest(algorithm: algorithm),
          wrapped: [1, 2, 3]
        )
      }
    }
  }
}
