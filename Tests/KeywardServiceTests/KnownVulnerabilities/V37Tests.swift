import KeywardAudit
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// ESO CVE-2025-55196, CVE-2026-22822: a confused deputy serves one tenant with another's secret.
///
/// Here a tenant is a cluster, and its door the KMS socket of its key.
@Suite
struct V37Tests {
  @Test
  func aSocketUsesItsOwnKeyAlone() async throws {
    let server = try await TestServer.unsealed()
    for name in ["etcd/eu", "etcd/eu2", "etcd/us"] { try await server.create(name) }
    let made = try await server.kmsEncrypt("etcd/us")
    let keyID = made.keyID.description
    let start = try server.logSize()
    for caller in [Caller.kms("etcd/eu"), .kms("etcd/eu2"), .kms("etcd"), .kms(""), .stranger] {
      await refused(.forbidden) { try await server.kmsEncrypt("etcd/us", as: caller) }
      await refused(.forbidden) {
        try await server.kmsDecrypt("etcd/us", made.bytes, keyID, as: caller)
      }
      // The same by the other door.
      await refused(.forbidden) {
        try await server.service.decrypt(
          caller,
          name: "etcd/us",
          CryptoRequest(),
          ciphertext: made.bytes
        )
      }
    }
    let events = try server.events(from: start)
    #expect(events.count == 15)
    #expect(events.allSatisfy { $0.outcome == .refused && $0.rule == "default-deny" })
    // On its own socket the other's data does not open, whatever key_id is named.
    let own = try server.service.kmsStatus("etcd/eu").keyID.description
    await refused(.notFound) { try await server.kmsDecrypt("etcd/eu", made.bytes, keyID) }
    await refused(.decryptionFailed) { try await server.kmsDecrypt("etcd/eu", made.bytes, own) }
  }

  /// A socket's principal does nothing but encrypt and decrypt, not even with its own key.
  @Test
  func aSocketDoesNothingElse() async throws {
    let server = try await TestServer.unsealed()
    try await server.create("guarded/key")
    for useCase in ChokePointTests.useCases
    where useCase.operation != .keyEncrypt && useCase.operation != .keyDecrypt {
      await refused(.forbidden, "\(useCase.operation)") {
        try await useCase.run(server, .kms("guarded/key"))
      }
    }
    #expect(try server.service.sealStatus().sealed == false)
  }

  /// What was told to one connection is of no use for another key.
  @Test
  func aSnapshotOfAnotherKeyChangesNothing() async throws {
    let server = try await TestServer.unsealed()
    try await server.create("etcd/eu")
    try await server.create("etcd/us")
    let foreign = try server.service.kmsStatus("etcd/us")
    _ = try await server.service.rotateKey(.officer, name: "etcd/eu")
    let own = try server.service.kmsStatus("etcd/eu")
    #expect(try await server.kmsEncrypt("etcd/eu", told: foreign).keyID == own.keyID)
  }
}
