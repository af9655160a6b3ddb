import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Vault CVE-2026-3605: a path is normalised after the policy was asked about it.
@Suite
struct V13Tests {
  /// There is one spelling of a name: what is not it is refused before policy or directory see it.
  @Test(arguments: [
    "etcd/./prod", "etcd/../prod", "../etcd/prod", "etcd//prod", "/etcd/prod", "etcd/prod/",
    "etcd/prod ", " etcd/prod", "etcd/prod\0", "etcd\\prod", "etcd%2Fprod", "etcd/prod%00",
    "etcd/pr\u{00f6}d", "etcd/\u{ff50}rod", "etcd/prod\n", "etcd/.prod", "etcd/-prod", "", "/", ".",
    "..", "etcd/prod;x", "etcd/prod?x", "etcd/prod#x", "etcd/prod:rotate",
  ])
  func otherSpellingsAreNoNames(_ spelling: String) async throws {
    let server = try await TestServer.unsealed()
    try await server.create("etcd/prod")
    let start = try server.logSize()
    let error = await refused(.invalidRequest) { try await server.create(spelling) }
    #expect(error?.message.contains("key name") == true)
    await refused(.invalidRequest) {
      try await server.service.listKeys(
        .officer,
        prefix: "",
        limit: 1,
        cursor: spelling,
        deleted: false
      )
    }
    #expect(try server.service.unsealed().directory.count == 1)
    #expect(try server.logSize() == start)
  }

  /// Names that differ in case alone are different keys, for policy and directory alike.
  @Test
  func caseMakesAnotherName() async throws {
    let server = try await TestServer.unsealed()
    try await server.create("etcd/prod")
    try await server.create("etcd/PROD")
    #expect(try server.key("etcd/prod")?.id != server.key("etcd/PROD")?.id)
    await refused(.forbidden) { try await server.kmsEncrypt("etcd/PROD", as: .kms("etcd/prod")) }
  }

  /// The name that policy was asked about is the name that is made.
  @Test
  func importMakesTheNameThatWasAuthorized() async throws {
    let server = try await TestServer.unsealed()
    await refused(.invalidRequest) {
      try await server.service.importKey(
        .officer,
        name: "allowed/key",
        ImportRequest(
          format: .raw,
          newKey: CreateKeyRequest(name: "other/key", type: "aes-256")
        ),
        material: .of(KeyFixtures.material(.aes256))
      )
    }
    #expect(try server.service.unsealed().directory.count == 0)
  }
}
