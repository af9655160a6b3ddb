import Foundation
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// OpenBao CVE-2026-42186: deletion leaves data, or a name used again finds the old.
@Suite
struct V41Tests {
  @Test
  func deletionLeavesNoMaterial() async throws {
    let server = try await TestServer.unsealed()
    let material = [UInt8]((0..<64).map { $0 &* 37 &+ 11 })
    _ = try await server.service.importKey(
      .officer,
      name: "gone/key",
      ImportRequest(
        format: .raw,
        newKey: CreateKeyRequest(name: "gone/key", type: "opaque")
      ),
      material: .of(material)
    )
    let envelope = try #require(try server.key("gone/key")?.version(1)?.material)
    func files(holding bytes: [UInt8]) throws -> [String] {
      try server.folder.contents().filter { $1.range(of: Data(bytes)) != nil }.map(\.key)
    }
    #expect(try files(holding: envelope) != [])
    #expect(try files(holding: material) == [])
    _ = try await server.service.destroyKey(.officer, name: "gone/key", version: nil, after: 0)
    // What was overwritten leaves the files at once after the answer, on the writing thread.
    for _ in 0..<200 where try files(holding: envelope) != [] {
      try await Task.sleep(for: .milliseconds(10))
    }
    #expect(try files(holding: envelope) == [])
  }

  @Test
  func aNewKeyOfTheNameKnowsNothingOfTheOld() async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    try await server.create("etcd/key")
    let old = try #require(try server.key("etcd/key"))
    let made = try await server.kmsEncrypt("etcd/key")
    let told = try service.kmsStatus("etcd/key")
    _ = try await service.destroyKey(.officer, name: "etcd/key", version: nil, after: 0)
    await refused(.notFound) { try service.kmsStatus("etcd/key") }
    try await server.create("etcd/key")
    let new = try #require(try server.key("etcd/key"))
    #expect(new.id != old.id)
    #expect(new.versions[0].kmsKeyID != old.versions[0].kmsKeyID)
    #expect(new.versions[0].checkValue != old.versions[0].checkValue)
    await refused(.notFound) {
      try await server.kmsDecrypt("etcd/key", made.bytes, made.keyID.description)
    }
    #expect(try await server.kmsEncrypt("etcd/key", told: told).keyID == new.versions[0].kmsKeyID)
    await refused(.keyState) {
      try await service.undestroyKey(.officer, name: "etcd/key", version: nil)
    }
  }
}
