import KeywardCrypto
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Wrapping a caller's keys: AES-KW, AES-KWP, RSA-OAEP.
@Suite
struct WrappingTests {
  private static func importRaw(
    _ server: TestServer,
    _ name: KeyName,
    _ type: KeyType,
    _ hex: String
  ) async throws {
    _ = try await server.service.importKey(
      .officer,
      name: name,
      ImportRequest(
        format: .raw,
        newKey: CreateKeyRequest(
          name: name.description,
          type: type.rawValue,
          operations: ["wrap", "unwrap"]
        )
      ),
      material: .of(#require(Hex.decode(hex)))
    )
  }

  /// RFC 3394 §4.1 and §4.6.
  @Test(arguments: [
    (
      KeyType.aes128, "000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
      "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"
    ),
    (
      KeyType.aes256, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
      "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
      "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"
    ),
  ])
  func keyWrapIsThatOfTheStandard(
    _ type: KeyType,
    _ kek: String,
    _ material: String,
    _ wrapped: String
  ) async throws {
    let server = try await TestServer.unsealed()
    try await Self.importRaw(server, "kek/key", type, kek)
    let request = CryptoRequest(algorithm: "aes-kw")
    let plain = try #require(Hex.decode(material))
    let made = try await server.service.wrap(
      .officer,
      name: "kek/key",
      request,
      material: .of(plain)
    )
    #expect(Hex.encode(made.value) == wrapped)
    let back = try await server.service.unwrap(
      .officer,
      name: "kek/key",
      request,
      wrapped: made.value
    )
    #expect(back.value.plain == plain)
  }

  @Test(arguments: [nil, "aes-kwp"])
  func paddedWrapTakesAnyLength(_ algorithm: String?) async throws {
    let server = try await TestServer.unsealed()
    try await server.importKey("kek/key", .aes256)
    let request = CryptoRequest(algorithm: algorithm)
    for length in [1, 7, 8, 9, 16, 20, 32, 66, 1000] {
      let plain = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
      let made = try await server.service.wrap(
        .officer,
        name: "kek/key",
        request,
        material: .of(plain)
      )
      let back = try await server.service.unwrap(
        .officer,
        name: "kek/key",
        request,
        wrapped: made.value
      )
      #expect(back.value.plain == plain)
    }
  }

  /// AES-KW takes multiples of 8 bytes from 16 on (SP 800-38F §5.3.1); KWP at least one byte.
  @Test
  func lengthsOutsideTheStandardAreRefused() async throws {
    let server = try await TestServer.unsealed()
    try await server.importKey("kek/key", .aes256)
    for (algorithm, lengths) in [("aes-kw", [0, 1, 8, 15, 17, 31]), ("aes-kwp", [0])] {
      for length in lengths {
        await refused(.invalidRequest, "\(algorithm) \(length)") {
          try await server.service.wrap(
            .officer,
            name: "kek/key",
            CryptoRequest(algorithm: algorithm),
            material: .of([UInt8](repeating: 1, count: length))
          )
        }
      }
    }
  }

  /// Whatever is wrong with wrapped bytes, it is one error.
  @Test(
    arguments: [
      (KeyType.aes256, "aes-kw", nil), (.aes256, "aes-kwp", nil), (.rsa2048, "rsa-oaep", nil),
      (.rsa2048, "rsa-oaep", "sha512"),
    ] as [(KeyType, String, String?)]
  )
  func changedBytesAreOneError(
    _ type: KeyType,
    _ algorithm: String,
    _ hash: String?
  ) async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    try await server.importKey("kek/key", type)
    let request = CryptoRequest(algorithm: algorithm, hash: hash)
    let wrapped = try await service.wrap(
      .officer,
      name: "kek/key",
      request,
      material: .of(KeyUse.material)
    ).value
    _ = try await service.rotateKey(.officer, name: "kek/key")
    var wrong = (0..<wrapped.count).map { place in
      var changed = wrapped
      changed[place] ^= 0x10
      return changed
    }
    wrong += [wrapped + [0], Array(wrapped.dropLast()), [], Array(wrapped.prefix(8))]
    wrong += [wrapped + [UInt8](repeating: 0, count: 8), Array(wrapped.dropLast(8))]
    var errors: Set<ServiceError> = []
    for bytes in wrong {
      if let error = await refused(
        .decryptionFailed,
        "\(bytes.count)",
        { try await service.unwrap(.officer, name: "kek/key", version1(request), wrapped: bytes) }
      ) {
        errors.insert(error)
      }
    }
    #expect(errors == [.decryptionFailed])
    // Another version, and another scheme of the same key.
    await refused(.decryptionFailed) {
      try await service.unwrap(.officer, name: "kek/key", request, wrapped: wrapped)
    }
    let other =
      type == .aes256
      ? CryptoRequest(version: 1, algorithm: algorithm == "aes-kw" ? "aes-kwp" : "aes-kw")
      : CryptoRequest(version: 1, hash: hash == nil ? "sha384" : "sha256")
    await refused(.decryptionFailed) {
      try await service.unwrap(.officer, name: "kek/key", other, wrapped: wrapped)
    }
    let back = try await service.unwrap(
      .officer,
      name: "kek/key",
      version1(request),
      wrapped: wrapped
    )
    #expect(back.value.plain == KeyUse.material)
  }

  private func version1(_ request: CryptoRequest) -> CryptoRequest {
    var request = request
    request.version = 1
    return request
  }

  @Test
  func unfitSchemesAreRefused() async throws {
    let server = try await TestServer.unsealed()
    try await server.importKey("kek/aes", .aes256)
    try await server.importKey("kek/rsa", .rsa2048)
    let wrong: [(KeyName, CryptoRequest, ErrorCode)] = [
      ("kek/aes", CryptoRequest(algorithm: "rsa-oaep"), .keyUsage),
      ("kek/aes", CryptoRequest(algorithm: "AES-KW"), .keyUsage),
      ("kek/rsa", CryptoRequest(algorithm: "aes-kw"), .keyUsage),
      ("kek/rsa", CryptoRequest(algorithm: "rsa-pkcs1"), .keyUsage),
      ("kek/rsa", CryptoRequest(hash: "sha1"), .invalidRequest),
    ]
    for (name, request, code) in wrong {
      await refused(code) {
        try await server.service.wrap(.officer, name: name, request, material: .of(KeyUse.material))
      }
      await refused(code) {
        try await server.service.unwrap(.officer, name: name, request, wrapped: [1, 2, 3])
      }
    }
  }
}
