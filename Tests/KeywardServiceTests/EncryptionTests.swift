import KeywardAudit
import KeywardCrypto
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Encrypt, decrypt, rewrap: with context, over versions, and everything that must not open.
@Suite
struct EncryptionTests {
  static let types: [KeyType] = [.aes128, .aes256, .chacha20Poly1305, .rsa2048]

  /// The one error that every decryption that fails gives.
  private static let failure = ServiceError.decryptionFailed

  private static func encrypt(
    _ server: TestServer,
    _ name: KeyName,
    _ text: [UInt8],
    context: String = ""
  ) async throws -> [UInt8] {
    try await server.service.encrypt(
      .officer,
      name: name,
      CryptoRequest(context: Array(context.utf8)),
      plaintext: .of(text)
    ).value
  }

  private static func decrypt(
    _ server: TestServer,
    _ name: KeyName,
    _ ciphertext: [UInt8],
    version: Int? = nil,
    context: String = ""
  ) async throws -> [UInt8] {
    try await server.service.decrypt(
      .officer,
      name: name,
      CryptoRequest(version: version, context: Array(context.utf8)),
      ciphertext: ciphertext
    ).value.plain
  }

  @Test(arguments: types)
  func whatGoesInComesOut(_ type: KeyType) async throws {
    let server = try await TestServer.unsealed()
    try await server.importKey("data/key", type)
    for length in [0, 1, 15, 16, 17, 100] {
      for context in ["", "tenant=7", String(repeating: "c", count: 1000)] {
        let text = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
        let ciphertext = try await Self.encrypt(server, "data/key", text, context: context)
        #expect(try await Self.decrypt(server, "data/key", ciphertext, context: context) == text)
        let again = try await Self.encrypt(server, "data/key", text, context: context)
        #expect(again != ciphertext)
      }
    }
  }

  /// Wrong context, another key, another version, another name for the version, changed and cut
  /// bytes: the same error, word for word.
  @Test(arguments: types)
  func everyFailureIsTheSame(_ type: KeyType) async throws {
    let server = try await TestServer.unsealed()
    try await server.importKey("data/key", type)
    // The same material under another name is another key all the same.
    try await server.importKey("data/twin", type)
    let ciphertext = try await Self.encrypt(server, "data/key", [1, 2, 3], context: "a")
    try await server.importVersion("data/key", type)
    func fails(_ bytes: [UInt8], version: Int? = nil, context: String = "a", _ why: String) async {
      let error = await refused(.decryptionFailed, "\(why)") {
        try await Self.decrypt(server, "data/key", bytes, version: version, context: context)
      }
      #expect(error == Self.failure, "\(why)")
    }
    for context in ["", "A", "a ", "b", "a\0", "aa"] {
      await fails(ciphertext, context: context, "context")
    }
    await fails(ciphertext, version: 2, "other version")
    let foreign = try await Self.encrypt(server, "data/twin", [1, 2, 3], context: "a")
    await fails(foreign, "other key")
    // Each byte of the header, and a sample of the others.
    let places = Set(0..<min(40, ciphertext.count))
      .union(stride(from: 40, to: ciphertext.count, by: 29))
      .union([ciphertext.count - 1])
    for place in places.sorted() {
      for bit in [UInt8(1), 0x80] {
        var changed = ciphertext
        changed[place] ^= bit
        await fails(changed, "byte \(place)")
      }
    }
    for length in [0, 1, 4, 5, 6, 28, 60, ciphertext.count - 1] where length < ciphertext.count {
      await fails(Array(ciphertext.prefix(length)), "cut to \(length)")
    }
    await fails(ciphertext + [0], "longer")
    #expect(try await Self.decrypt(server, "data/key", ciphertext, context: "a") == [1, 2, 3])
  }

  /// A ciphertext of one type does not open as another, whatever its bytes say.
  @Test
  func typesDoNotOpenEachOther() async throws {
    let server = try await TestServer.unsealed()
    var ciphertexts: [(KeyType, [UInt8])] = []
    for type in Self.types {
      let name = try KeyName("data/\(type.rawValue)")
      try await server.importKey(name, type)
      ciphertexts.append((type, try await Self.encrypt(server, name, [9])))
    }
    for (type, ciphertext) in ciphertexts {
      for other in Self.types where other != type {
        let name = try KeyName("data/\(other.rawValue)")
        let error = await refused(.decryptionFailed) {
          try await Self.decrypt(server, name, ciphertext)
        }
        #expect(error == Self.failure)
      }
    }
  }

  @Test(arguments: types)
  func rewrapMovesToThePrimaryVersion(_ type: KeyType) async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    try await server.importKey("data/key", type)
    let old = try await Self.encrypt(server, "data/key", [4, 5], context: "scope")
    _ = try await service.rotateKey(.officer, name: "data/key")
    let request = CryptoRequest(context: Array("scope".utf8))
    let start = try server.logSize()
    let new = try await service.rewrap(.officer, name: "data/key", request, ciphertext: old)
    #expect(try server.events(from: start).map(\.operation) == ["key:rewrap"])
    _ = try await service.setState(.officer, name: "data/key", version: 1, to: .compromised)
    _ = try await service.destroyKey(.officer, name: "data/key", version: 1, after: 0)
    #expect(try await Self.decrypt(server, "data/key", new.value, context: "scope") == [4, 5])
    await refused(.keyState) { try await Self.decrypt(server, "data/key", old, context: "scope") }
  }

  @Test
  func theInputLimitIsExact() async throws {
    var options = ServiceOptions()
    options.maximumInput = 4096
    let server = try await TestServer.unsealed(options: options)
    let service = try server.service
    try await server.importKey("limit/aes", .aes256)
    try await server.importKey("limit/hmac", .hmacSHA256)
    try await server.importKey("limit/sign", .ed25519)
    for (length, isOver) in [(4096, false), (4097, true)] {
      let input = try SecretBox.of([UInt8](repeating: 1, count: length))
      let uses: [() async throws -> Void] = [
        {
          _ = try await service.encrypt(
            .officer,
            name: "limit/aes",
            CryptoRequest(),
            plaintext: input
          )
        },
        {
          _ = try await service.wrap(.officer, name: "limit/aes", CryptoRequest(), material: input)
        },
        {
          _ = try await service.mac(.officer, name: "limit/hmac", CryptoRequest(), message: input)
        },
        {
          _ = try await service.sign(.officer, name: "limit/sign", CryptoRequest(), message: input)
        },
        {
          _ = try await service.macVerify(
            .officer,
            name: "limit/hmac",
            CryptoRequest(),
            message: input
          )
        },
        {
          _ = try await service.verify(
            .officer,
            name: "limit/sign",
            CryptoRequest(),
            message: input
          )
        },
      ]
      for use in uses {
        if isOver { await refused(.limitExceeded) { try await use() } } else { try await use() }
      }
    }
  }

  /// Encrypt and wrap of one RSA key had one label where the context was empty, so that each opened
  /// what the other made: whoever could unwrap could decrypt.
  @Test
  func encryptAndWrapOfAnRSAKeyDoNotOpenEachOther() async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    try await server.importKey("data/key", .rsa2048)
    let plaintext = KeyUse.material
    let encrypted = try await Self.encrypt(server, "data/key", plaintext)
    let wrapped = try await service.wrap(
      .officer,
      name: "data/key",
      CryptoRequest(),
      material: .of(plaintext)
    ).value
    let header: [UInt8] = [0x11, 0, 0, 0, 1]
    #expect(encrypted.prefix(5) == header[...])
    for bytes in [encrypted, Array(encrypted.dropFirst(5))] {
      await refused(.decryptionFailed) {
        try await service.unwrap(.officer, name: "data/key", CryptoRequest(), wrapped: bytes)
      }
    }
    // Neither the form of today nor the one of before the separation.
    for form in [header, [0x10, 0, 0, 0, 1]] {
      let error = await refused(.decryptionFailed) {
        try await Self.decrypt(server, "data/key", form + wrapped)
      }
      #expect(error == Self.failure)
    }
    // As docs/formats/envelope.md says it: the label is the record of a caller's message.
    let pair = try PrivateKey(
      pkcs8: try SecretBytes.fixture(KeyFixtures.material(.rsa2048))
    )
    let key = try #require(try server.key("data/key"))
    var label = RecordWriter("keyward/v1/aad/message")
    label.add(try service.unsealed().store.bytes)
    label.add(key.id.bytes)
    label.add(UInt64(1))
    label.add([UInt8]())
    let opened = try pair.decryptOAEP(
      hash: .sha256,
      mgf1: .sha256,
      label: label.bytes,
      ciphertext: Array(encrypted.dropFirst(5))
    )
    #expect(opened.revealed() == plaintext)
    #expect(
      try pair.decryptOAEP(hash: .sha256, mgf1: .sha256, label: [], ciphertext: wrapped).revealed()
        == plaintext
    )
  }

  /// OAEP with SHA-256 of a 2048-bit key takes 190 bytes (RFC 8017 §7.1.1).
  @Test
  func theRSALimitIsExact() async throws {
    let server = try await TestServer.unsealed()
    try await server.importKey("data/key", .rsa2048)
    let longest = [UInt8](repeating: 3, count: 190)
    let ciphertext = try await Self.encrypt(server, "data/key", longest)
    #expect(try await Self.decrypt(server, "data/key", ciphertext) == longest)
    await refused(.invalidRequest) { try await Self.encrypt(server, "data/key", longest + [3]) }
  }
}
