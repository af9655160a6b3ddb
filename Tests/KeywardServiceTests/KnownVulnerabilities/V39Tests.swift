import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// sealed-secrets CVE-2026-22728: rewrapping widens the scope by metadata of the request.
@Suite
struct V39Tests {
  @Test(arguments: [KeyType.aes256, .rsa2048])
  func rewrapKeepsTheContext(_ type: KeyType) async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    try await server.importKey("a/key", type)
    try await server.importKey("b/key", type)
    let scope = CryptoRequest(context: Array("namespace=a".utf8))
    let old = try await service.encrypt(.officer, name: "a/key", scope, plaintext: .of("text"))
    _ = try await service.rotateKey(.officer, name: "a/key")
    for context in ["", "namespace=b", "namespace=a,b"] {
      let request = CryptoRequest(context: Array(context.utf8))
      await refused(.decryptionFailed) {
        try await service.rewrap(.officer, name: "a/key", request, ciphertext: old.value)
      }
    }
    let new = try await service.rewrap(.officer, name: "a/key", scope, ciphertext: old.value)
    #expect(new.value != old.value)
    let text = try await service.decrypt(.officer, name: "a/key", scope, ciphertext: new.value)
    #expect(text.value.text == "text")
    #expect(text.version == 2)
    await refused(.decryptionFailed) {
      try await service.decrypt(.officer, name: "a/key", CryptoRequest(), ciphertext: new.value)
    }
    // Nor does it move to another key.
    await refused(.decryptionFailed) {
      try await service.rewrap(.officer, name: "b/key", scope, ciphertext: new.value)
    }
  }

  /// The rewrap of a keyring rotation keeps every attribute that material is bound to.
  @Test
  func keyringRewrapKeepsAttributes() async throws {
    let server = try await TestServer.unsealed()
    _ = try await server.service.createKey(
      .officer,
      CreateKeyRequest(name: "a/key", type: "aes-256", neverExportable: true)
    )
    let before = try #require(try server.key("a/key"))
    _ = try await server.service.rotateKeyring(.officer)
    try await server.tick()
    let after = try #require(try server.key("a/key"))
    #expect(after.attributes == before.attributes)
    #expect(after.versions[0].material != before.versions[0].material)
    var unchanged = after.versions[0]
    unchanged.material = before.versions[0].material
    #expect(unchanged == before.versions[0])
  }
}
