import KeywardModel
import KeywardService
import KeywardTesting
import Testing

/// Vault CVE-2023-4680: the caller chooses the nonce.
@Suite
struct V22Tests {
  /// No request has a field for a nonce, an initialization vector, a salt or randomness.
  @Test
  func noRequestTakesANonce() {
    let crypto = Mirror(reflecting: CryptoRequest()).children.compactMap(\.label)
    #expect(
      Set(crypto) == [
        "version", "context", "algorithm", "hash", "signature", "prehashed", "count",
      ]
    )
    for field in CreateKeyRequest.fieldNames + UpdateKeyRequest.fieldNames + crypto {
      for word in ["nonce", "iv", "salt", "seed", "random", "convergent"] {
        #expect(!field.lowercased().split(separator: "_").contains(Substring(word)), "\(field)")
      }
    }
  }

  /// Two encryptions of one text are different, in salt and body.
  @Test
  func equalTextsHaveDifferentCiphertexts() async throws {
    let server = try await TestServer.unsealed()
    try await server.create("a/key")
    var salts: Set<[UInt8]> = []
    var bodies: Set<[UInt8]> = []
    for _ in 0..<50 {
      let bytes = try await server.kmsEncrypt("a/key").bytes
      salts.insert(Array(bytes[5..<29]))
      bodies.insert(Array(bytes[29...]))
    }
    #expect(salts.count == 50)
    #expect(bodies.count == 50)
  }
}
