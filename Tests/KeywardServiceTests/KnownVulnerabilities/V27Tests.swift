import Foundation
import KeywardAudit
import KeywardCrypto
import KeywardModel
import KeywardService
import KeywardStore
import KeywardTesting
import Testing

/// OpenBao CVE-2025-62513, CVE-2026-46358, Vault CVE-2024-0831: secrets get into the audit log.
@Suite
struct V27Tests {
  /// A canary in every secret field of every request; none in the log, the export or the errors.
  @Test
  func canariesInSecretFieldsAreNowhere() async throws {
    let canary = "CANARY-5f2c91"
    let bytes = Array(canary.utf8)
    let server = try await TestServer.unsealed()
    let service = try server.service
    try await server.importKey("a/aes", .aes256)
    try await server.importKey("a/hmac", .hmacSHA256)
    try await server.importKey("a/rsa", .rsa2048)
    try await server.importKey("a/ec", .ecP256)
    let secret = try SecretBox.of(canary)
    // Fields that policy and operators do not need to know are treated as secret as well.
    let request = CryptoRequest(context: bytes, signature: bytes)
    let named = CryptoRequest(context: bytes, algorithm: canary, hash: canary, signature: bytes)
    let uses: [(Bool, @Sendable () async throws -> Void)] = [
      (
        true, { _ = try await service.encrypt(.officer, name: "a/aes", request, plaintext: secret) }
      ),
      (
        true, { _ = try await service.encrypt(.officer, name: "a/rsa", request, plaintext: secret) }
      ),
      (true, { _ = try await service.wrap(.officer, name: "a/aes", request, material: secret) }),
      (true, { _ = try await service.mac(.officer, name: "a/hmac", request, message: secret) }),
      (
        true,
        { _ = try await service.macVerify(.officer, name: "a/hmac", request, message: secret) }
      ),
      (true, { _ = try await service.sign(.officer, name: "a/ec", request, message: secret) }),
      (true, { _ = try await service.verify(.officer, name: "a/ec", request, message: secret) }),
      (true, { _ = try await service.derive(.officer, name: "a/aes", request, info: bytes) }),
      (
        true,
        {
          _ = try await service.importKey(
            .officer,
            name: "a/opaque",
            ImportRequest(
              format: .raw,
              newKey: CreateKeyRequest(name: "a/opaque", type: "opaque")
            ),
            material: secret
          )
        }
      ),
      (
        false,
        { _ = try await service.decrypt(.officer, name: "a/aes", request, ciphertext: bytes) }
      ),
      (
        false, { _ = try await service.rewrap(.officer, name: "a/aes", request, ciphertext: bytes) }
      ),
      (false, { _ = try await service.unwrap(.officer, name: "a/aes", request, wrapped: bytes) }),
      (false, { _ = try await service.agree(.officer, name: "a/ec", request, peer: bytes) }),
      (false, { _ = try await service.sign(.officer, name: "a/ec", named, message: secret) }),
      (false, { _ = try await service.wrap(.officer, name: "a/aes", named, material: secret) }),
      (false, { try await server.unseal([canary]) }),
      (false, { _ = try await server.kmsDecrypt("a/aes", bytes, canary) }),
      (
        false,
        {
          _ = try await service.importKey(
            .officer,
            name: "a/bad",
            ImportRequest(
              format: .pkcs8,
              newKey: CreateKeyRequest(name: "a/bad", type: "ec-p256")
            ),
            material: secret
          )
        }
      ),
      (
        false,
        {
          _ = try await service.rekey(
            .officer,
            SealRequest(seal: .passphrase, shares: 2, threshold: 2),
            current: secret,
            passphrase: secret
          )
        }
      ),
      (false, { _ = try await service.confirmRekey(.officer, shares: secret) }),
    ]
    let start = try server.logSize()
    for (index, (works, use)) in uses.enumerated() {
      do {
        try await use()
        #expect(works, "use \(index)")
      } catch {
        #expect(!works, "use \(index): \(error)")
        #expect(!"\(error)".contains("CANARY"), "\(error)")
      }
    }
    #expect(try server.logSize() >= start + UInt64(uses.count) - 1)
    // In any spelling: as it is, in hexadecimal, in base64 at each of three alignments.
    var spellings = [canary, Hex.encode(bytes), Hex.encode(bytes).uppercased()]
    for shift in 0..<3 {
      let text = Base64.encode([UInt8](repeating: 0, count: shift) + bytes)
      spellings.append(String(text.dropFirst(4).prefix(12)))
    }
    for entry in try server.stored() {
      let text = String(decoding: entry.entry, as: UTF8.self)
      for spelling in spellings { #expect(!text.contains(spelling), "\(text)") }
    }
    // Nor in any file of the store, where the opaque key's material is among the rest.
    for (name, content) in try server.folder.contents() {
      #expect(content.range(of: Data(bytes)) == nil, "\(name)")
    }
  }

  /// The answers of what makes secrets are not there either: shares, plaintext, derived bytes.
  @Test
  func whatLeavesIsNotRecorded() async throws {
    let server = try await TestServer(usesKeyFile: false)
    let shares = try await server.initialize(.shamir, shares: 2, threshold: 2)
    try await server.unseal(shares)
    try await server.create("a/aes")
    let service = try server.service
    let derived = try await service.derive(.officer, name: "a/aes", CryptoRequest(), info: [1])
    let sealed = try await service.encrypt(
      .officer,
      name: "a/aes",
      CryptoRequest(),
      plaintext: .of("CANARY-plaintext")
    )
    _ = try await service.decrypt(
      .officer,
      name: "a/aes",
      CryptoRequest(),
      ciphertext: sealed.value
    )
    let new = try await service.rekey(
      .officer,
      SealRequest(seal: .shamir, shares: 2, threshold: 2),
      current: .of(shares.joined(separator: "\n")),
      passphrase: .of("")
    ).map(\.text)
    let needles =
      ["CANARY", Hex.encode(derived.value.plain), Hex.encode(sealed.value)]
      + (shares + new).map { String($0.dropFirst(40)) }
    for entry in try server.stored() {
      let text = String(decoding: entry.entry, as: UTF8.self)
      for needle in needles { #expect(!text.contains(needle), "\(text)") }
    }
    for (name, content) in try server.folder.contents() {
      for share in shares + new {
        #expect(content.range(of: Data(share.dropFirst(40).utf8)) == nil, "\(name)")
      }
      #expect(content.range(of: Data(derived.value.plain)) == nil, "\(name)")
    }
  }
}
