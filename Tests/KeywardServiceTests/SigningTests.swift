import KeywardCrypto
import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Signatures, MACs, key agreement and derivation through the service.
@Suite
struct SigningTests {
  struct Scheme: CustomTestStringConvertible, Sendable {
    let type: KeyType
    var algorithm: String?
    var hash: String?

    var testDescription: String {
      "\(type.rawValue) \(algorithm ?? "default") \(hash ?? "default")"
    }

    var request: CryptoRequest { CryptoRequest(algorithm: algorithm, hash: hash) }
  }

  static let schemes: [Scheme] = {
    var schemes = [Scheme(type: .ed25519), Scheme(type: .ed25519, algorithm: "ed25519")]
    for type in [KeyType.ecP256, .ecP384, .ecP521, .ecSecp256k1] {
      for algorithm in [nil, "ecdsa", "ecdsa-p1363"] {
        for hash in [nil, "sha256", "sha384", "sha512"] {
          schemes.append(Scheme(type: type, algorithm: algorithm, hash: hash))
        }
      }
    }
    for algorithm in [nil, "rsa-pss", "rsa-pkcs1"] {
      for hash in [nil, "sha256", "sha384", "sha512"] {
        schemes.append(Scheme(type: .rsa2048, algorithm: algorithm, hash: hash))
      }
    }
    return schemes
  }()

  private static let message = Array("signed words".utf8)

  @Test
  func everySchemeSignsAndVerifies() async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    for type in Set(Self.schemes.map(\.type)) {
      try await server.importKey(try KeyName("sign/\(type.rawValue)"), type)
    }
    for scheme in Self.schemes {
      let name = try KeyName("sign/\(scheme.type.rawValue)")
      let signed = try await service.sign(
        .officer,
        name: name,
        scheme.request,
        message: .of(Self.message)
      )
      func verifies(_ message: [UInt8], _ signature: [UInt8]) async throws -> Bool {
        var request = scheme.request
        request.signature = signature
        return try await service.verify(.officer, name: name, request, message: .of(message)).valid
      }
      #expect(try await verifies(Self.message, signed.value), "\(scheme.testDescription)")
      #expect(try await !verifies(Self.message + [0], signed.value))
      var changed = signed.value
      changed[changed.count / 2] ^= 1
      #expect(try await !verifies(Self.message, changed))
      #expect(try await !verifies(Self.message, []))
      #expect(try await !verifies(Self.message, signed.value + [0]))
    }
  }

  /// A digest signed as a digest is the message signed.
  @Test(arguments: [Scheme(type: .ecP256), Scheme(type: .rsa2048, algorithm: "rsa-pkcs1")])
  func prehashedMessagesAreTheSameMessages(_ scheme: Scheme) async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    try await server.importKey("sign/key", scheme.type)
    var request = scheme.request
    request.prehashed = true
    let digest = Digest.sha256(Self.message)
    request.signature =
      try await service.sign(.officer, name: "sign/key", request, message: .of(digest)).value
    #expect(
      try await service.verify(.officer, name: "sign/key", request, message: .of(digest)).valid
    )
    request.prehashed = false
    #expect(
      try await service.verify(.officer, name: "sign/key", request, message: .of(Self.message))
        .valid
    )
    // A digest of another length is no digest of this scheme.
    request.prehashed = true
    await refused(.invalidRequest) {
      try await service.sign(.officer, name: "sign/key", request, message: .of(digest + [0]))
    }
  }

  /// What does not fit the key is refused, never replaced by a default.
  @Test
  func unfitSchemesAreRefused() async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    let wrong: [(KeyType, CryptoRequest, ErrorCode)] = [
      (.ed25519, CryptoRequest(algorithm: "ecdsa"), .keyUsage),
      (.ed25519, CryptoRequest(hash: "sha256"), .keyUsage),
      (.ed25519, CryptoRequest(prehashed: true), .keyUsage),
      (.ecP256, CryptoRequest(algorithm: "rsa-pss"), .keyUsage),
      (.ecP256, CryptoRequest(algorithm: "ECDSA"), .keyUsage),
      (.ecP256, CryptoRequest(algorithm: ""), .keyUsage),
      (.ecP256, CryptoRequest(hash: "sha1"), .invalidRequest),
      (.ecP256, CryptoRequest(hash: "md5"), .invalidRequest),
      (.rsa2048, CryptoRequest(algorithm: "rsa-oaep"), .keyUsage),
      (.rsa2048, CryptoRequest(algorithm: "ecdsa"), .keyUsage),
      (.rsa2048, CryptoRequest(hash: "sha1"), .invalidRequest),
    ]
    for type in Set(wrong.map(\.0)) {
      try await server.importKey(try KeyName("sign/\(type.rawValue)"), type)
    }
    for (type, request, code) in wrong {
      let name = try KeyName("sign/\(type.rawValue)")
      await refused(code, "\(type) \(request)") {
        try await service.sign(.officer, name: name, request, message: .of(Self.message))
      }
      await refused(code, "\(type) \(request)") {
        try await service.verify(.officer, name: name, request, message: .of(Self.message))
      }
    }
  }

  /// Old signatures verify by the version that is named; the current version signs.
  @Test
  func versionsSignAndVerifyApart() async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    try await server.create("sign/key", .ed25519)
    var request = CryptoRequest()
    let old = try await service.sign(
      .officer,
      name: "sign/key",
      request,
      message: .of(Self.message)
    )
    _ = try await service.rotateKey(.officer, name: "sign/key")
    request.signature = old.value
    for (version, isValid) in [(1, true), (2, false), (nil, false)] as [(Int?, Bool)] {
      request.version = version
      let result = try await service.verify(
        .officer,
        name: "sign/key",
        request,
        message: .of(Self.message)
      )
      #expect(result.valid == isValid)
      #expect(result.version == version ?? 2)
    }
  }

  /// RFC 4231 test case 7 of HMAC-SHA-256, -384 and -512, whose key has 131 bytes.
  @Test(arguments: [
    (KeyType.hmacSHA256, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
    (
      KeyType.hmacSHA384,
      "6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5"
        + "a678cc31e799176d3860e6110c46523e"
    ),
    (
      KeyType.hmacSHA512,
      "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944"
        + "b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58"
    ),
  ])
  func macsAreThoseOfTheStandard(_ type: KeyType, _ expected: String) async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    _ = try await service.importKey(
      .officer,
      name: "mac/key",
      ImportRequest(
        format: .raw,
        newKey: CreateKeyRequest(name: "mac/key", type: type.rawValue)
      ),
      material: .of([UInt8](repeating: 0xaa, count: 131))
    )
    let message =
      "This is a test using a larger than block-size key and a larger than block-size data. The "
      + "key needs to be hashed before being used by the HMAC algorithm."
    var request = CryptoRequest()
    let mac = try await service.mac(.officer, name: "mac/key", request, message: .of(message))
    #expect(Hex.encode(mac.value) == expected)
    for (tag, isValid) in [
      (mac.value, true), (Array(mac.value.dropLast()), false), ([], false),
      (mac.value + [0], false),
      ([mac.value[0] ^ 1] + mac.value.dropFirst(), false),
    ] {
      request.signature = tag
      let result = try await service.macVerify(
        .officer,
        name: "mac/key",
        request,
        message: .of(message)
      )
      #expect(result.valid == isValid)
    }
  }

  @Test(arguments: [KeyType.ecP256, .ecP384, .ecP521, .ecSecp256k1, .x25519])
  func bothSidesAgree(_ type: KeyType) async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    var keys: [KeyInfo] = []
    for name in ["agree/a", "agree/b", "agree/c"] {
      keys.append(try await server.create(name, type, operations: ["agree"]))
    }
    func secret(_ one: Int, _ other: Int) async throws -> [UInt8] {
      let spki = try #require(keys[other].versions?.first?.publicKey.flatMap(Base64.decode))
      let name = try KeyName(keys[one].name)
      return try await service.agree(.officer, name: name, CryptoRequest(), peer: spki).value.plain
    }
    let shared = try await secret(0, 1)
    #expect(try await secret(1, 0) == shared)
    #expect(try await secret(2, 0) != shared)
    let foreign: KeyType = type == .x25519 ? .ecP256 : .x25519
    for peer in [[], [1, 2, 3], try KeyFixtures.peer(foreign)] {
      await refused(.invalidRequest) {
        try await service.agree(.officer, name: "agree/a", CryptoRequest(), peer: peer)
      }
    }
  }

  /// Derived bytes depend on key, version, info and salt; the count is bounded as RFC 5869 bounds it.
  @Test
  func derivationIsBoundToEverything() async throws {
    let server = try await TestServer.unsealed()
    let service = try server.service
    func derive(
      _ name: KeyName,
      _ request: CryptoRequest = CryptoRequest(),
      info: String = "info"
    ) async throws -> [UInt8] {
      try await service.derive(.officer, name: name, request, info: Array(info.utf8)).value.plain
    }
    // The same material in two keys and two versions.
    try await server.importKey("derive/a", .aes256)
    try await server.importKey("derive/b", .aes256)
    try await server.importVersion("derive/a", .aes256)
    _ = try await service.setState(.officer, name: "derive/b", version: 1, to: .suspended)
    _ = try await service.setState(.officer, name: "derive/b", version: 1, to: .active)
    let outputs = [
      try await derive("derive/a"),
      try await derive("derive/b"),
      try await derive("derive/b", info: "info2"),
      try await derive("derive/b", info: ""),
      try await derive("derive/b", CryptoRequest(context: [1])),
    ]
    #expect(Set(outputs).count == outputs.count)
    #expect(outputs.allSatisfy { $0.count == 32 })
    #expect(try await derive("derive/b") == outputs[1])
    let longest = try await derive("derive/b", CryptoRequest(count: 8160))
    #expect(longest.count == 8160)
    #expect(Array(longest.prefix(32)) == outputs[1])
    #expect(try await derive("derive/b", CryptoRequest(count: 1)) == Array(outputs[1].prefix(1)))
    for count in [8161, -1, 0, Int.max, Int.min] {
      await refused(.invalidRequest, "\(count)") {
        try await derive("derive/b", CryptoRequest(count: count))
      }
    }
  }
}
