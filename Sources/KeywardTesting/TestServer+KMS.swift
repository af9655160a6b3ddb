package import KeywardCrypto
package import KeywardModel
package import KeywardService

/// The calls of a KMS v2 socket.
extension TestServer {
  /// A seed as kube-apiserver sends one.
  package static let seed = (0..<32).map { UInt8($0 + 100) }

  /// The same as a secret.
  package static func seedBox() throws -> SecretBox { try .of(seed) }

  /// Encrypts on the socket of `name`, by the principal of that socket or another.
  package func kmsEncrypt(
    _ name: KeyName,
    _ plaintext: [UInt8] = seed,
    as caller: Caller? = nil,
    told: KMSSnapshot? = nil
  ) async throws -> KMSCiphertext {
    let service = try service
    let secret = try SecretBox.of(plaintext)
    return try await service.awaiting { reply in
      service.kmsEncrypt(
        caller ?? .kms(name.description),
        name: name,
        told: told,
        plaintext: secret.bytes,
        uid: "uid-e",
        reply: reply
      )
    }
  }

  /// Decrypts on the socket of `name`, by the principal of that socket or another.
  package func kmsDecrypt(
    _ name: KeyName,
    _ ciphertext: [UInt8],
    _ keyID: String,
    as caller: Caller? = nil
  ) async throws -> [UInt8] {
    let service = try service
    return try await service.awaiting { reply in
      service.kmsDecrypt(
        caller ?? .kms(name.description),
        name: name,
        keyID: keyID,
        ciphertext: ciphertext,
        uid: "uid-d",
        reply: reply
      )
    }.plain
  }
}
