import KeywardCrypto
import KeywardModel

/// What the transit engine does with a version that can be compared.
struct TransitProof {
  let destination: TransitDestination
  let name: String
  let version: String
  let type: String

  func run(
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ProofResult {
    switch type {
    case "hmac": return try await mac(material, session)
    case "aes128-gcm96", "aes256-gcm96": return try await encryption(.aesGCM, material, session)
    case "chacha20-poly1305":
      return try await encryption(.chaCha20Poly1305, material, session)
    case "xchacha20-poly1305": return .notProvable("Keyward does not decrypt XChaCha20")
    default: return try await publicKey(material, session)
    }
  }

  private func publicKey(
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ProofResult {
    let key = try await destination.find(name, session)
    guard let text = key?.object("keys")?.object(version)?["public_key"]?.text else {
      throw ProviderWords.unintelligible("give the public key", "it has none", changes: false)
    }
    if type == "ed25519" {
      guard let raw = Base64.decode(text), let spki = try? PublicKey(raw: raw, .ed25519).spki()
      else {
        throw ProviderWords.unintelligible("give the public key", "it is damaged", changes: false)
      }
      return Proof.publicKey(spki, material)
    }
    let lines = text.split { $0 == "\n" || $0 == "\r\n" }
    guard lines.first == "-----BEGIN PUBLIC KEY-----",
      let der = Base64.decode(lines.dropFirst().dropLast().joined())
    else {
      throw ProviderWords.unintelligible("give the public key", "it is not PEM", changes: false)
    }
    return Proof.publicKey(der, material)
  }

  private func mac(
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ProofResult {
    let message = try Proof.message()
    let answer = try await destination.call(
      .post,
      "hmac/\(name)/sha2-256",
      .members([
        ("input", .string(Base64.encode(message))), ("key_version", .integer(Int64(version) ?? 0)),
      ]),
      "make a MAC",
      .always,
      session
    )
    let mac = try ciphertext(answer.object("data")?["hmac"]?.text, "make a MAC")
    return await Proof.mac(mac, .sha256, message, material)
  }

  private func encryption(
    _ cipher: SealedSample.Cipher,
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ProofResult {
    let message = try Proof.message()
    let answer = try await destination.call(
      .post,
      "encrypt/\(name)",
      .members([
        ("plaintext", .string(Base64.encode(message))),
        ("key_version", .integer(Int64(version) ?? 0)),
      ]),
      "encrypt",
      .always,
      session
    )
    let sealed = try ciphertext(answer.object("data")?["ciphertext"]?.text, "encrypt")
    guard sealed.count >= 28 else {
      throw ProviderWords.unintelligible("encrypt", "it is too short", changes: false)
    }
    let sample = SealedSample(
      cipher,
      nonce: Array(sealed.prefix(12)),
      ciphertext: Array(sealed[12..<(sealed.count - 16)]),
      tag: Array(sealed.suffix(16))
    )
    return await Proof.encryption(sample, message, material)
  }

  /// The bytes after `vault:vN:`.
  private func ciphertext(_ text: String?, _ what: String) throws(CloudFailure) -> [UInt8] {
    let parts = (text ?? "").split(separator: ":")
    guard parts.count == 3, parts[1] == "v\(version)", let bytes = Base64.decode(String(parts[2]))
    else { throw ProviderWords.unintelligible(what, "it has another form", changes: false) }
    return bytes
  }
}
