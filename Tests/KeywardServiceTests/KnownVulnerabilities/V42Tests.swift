import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Keystone CVE-2021-3563: only the first 72 bytes of a secret count.
@Suite
struct V42Tests {
  static let lengths = [71, 72, 73, 127, 128, 254, 255, 256, 257, 1023]

  /// A text of `length` bytes and one that differs in its last byte.
  private static func pair(_ length: Int) -> (String, String) {
    let text = String((0..<length - 1).map { Character(UnicodeScalar(97 + UInt8($0 % 26))) })
    return (text + "a", text + "b")
  }

  @Test(arguments: lengths)
  func passphrasesCountInFull(_ length: Int) async throws {
    let server = try await TestServer(usesKeyFile: false)
    let (right, wrong) = Self.pair(length)
    _ = try await server.initialize(.passphrase, shares: 1, threshold: 1, passphrase: right)
    await refused(.wrongPassphrase) { try await server.unseal([wrong]) }
    await refused(.wrongPassphrase) { try await server.unseal([String(right.dropLast())]) }
    try await server.unseal([right])
  }

  @Test
  func aPassphraseThatIsTooLongIsRefusedNotCut() async throws {
    let server = try await TestServer(usesKeyFile: false)
    let (right, _) = Self.pair(1025)
    await refused(.invalidRequest) {
      try await server.initialize(.passphrase, passphrase: right)
    }
  }

  @Test
  func contextsMaterialAndMessagesCountInFull() async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    try await server.create("a/aes")
    try await server.create("a/hmac", .hmacSHA256)
    for length in Self.lengths + [4096, 65_537] {
      let (one, other) = Self.pair(length)
      let scope = CryptoRequest(context: Array(one.utf8))
      let sealed = try await service.encrypt(.officer, name: "a/aes", scope, plaintext: .of(one))
      await refused(.decryptionFailed) {
        try await service.decrypt(
          .officer,
          name: "a/aes",
          CryptoRequest(context: Array(other.utf8)),
          ciphertext: sealed.value
        )
      }
      let opened = try await service.decrypt(
        .officer,
        name: "a/aes",
        scope,
        ciphertext: sealed.value
      )
      #expect(opened.value.text == one)
      let tags = [
        try await service.mac(.officer, name: "a/hmac", CryptoRequest(), message: .of(one)).value,
        try await service.mac(.officer, name: "a/hmac", CryptoRequest(), message: .of(other)).value,
      ]
      #expect(tags[0] != tags[1])
      let derived = [
        try await service.derive(.officer, name: "a/aes", CryptoRequest(), info: Array(one.utf8)),
        try await service.derive(.officer, name: "a/aes", CryptoRequest(), info: Array(other.utf8)),
      ]
      #expect(derived[0].value.plain != derived[1].value.plain)
    }
  }

  /// Names of up to 200 bytes are apart by their last byte; longer ones are refused, not cut.
  @Test
  func namesCountInFull() async throws {
    let server = try await TestServer.unsealed()
    func name(_ length: Int, _ last: String) -> String {
      var text = ""
      while text.utf8.count < length - 1 {
        text += text.utf8.count % 60 == 59 ? "/" : "n"
      }
      return text + last
    }
    for length in [64, 73, 128, 200] {
      let one = try await server.create(name(length, "a"))
      let other = try await server.create(name(length, "b"))
      #expect(one.id != other.id)
      #expect(try server.key(KeyName(name(length, "a")))?.id.description == one.id)
    }
    await refused(.invalidRequest) { try await server.create(name(201, "a")) }
    await refused(.invalidRequest) { try await server.create(name(256, "a")) }
    try await server.restart()
    #expect(try server.service.unsealed().directory.count == 8)
  }

  /// Two HMAC keys that differ after byte 72 are two keys.
  @Test
  func importedMaterialCountsInFull() async throws {
    let server = try await TestServer.unsealed()
    var tags: Set<[UInt8]> = []
    for (index, last) in [UInt8(1), 2].enumerated() {
      for length in [73, 129, 256, 1024] {
        let name = try KeyName("long/k\(index)-\(length)")
        _ = try await server.service.importKey(
          .officer,
          name: name,
          ImportRequest(
            format: .raw,
            newKey: CreateKeyRequest(name: name.description, type: "hmac-sha256")
          ),
          material: .of([UInt8](repeating: 9, count: length - 1) + [last])
        )
        tags.insert(
          try await server.service.mac(
            .officer,
            name: name,
            CryptoRequest(),
            message: .of("text")
          ).value
        )
      }
    }
    #expect(tags.count == 8)
  }
}
