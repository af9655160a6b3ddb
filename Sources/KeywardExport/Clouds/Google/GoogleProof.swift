import KeywardCrypto
import KeywardModel

/// What Google does with a version that can be compared.
struct GoogleProof {
  let api: GoogleKeyService
  let version: String
  let algorithm: String

  func run(
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ProofResult {
    if algorithm.hasPrefix("HMAC_") { return try await mac(material, session) }
    if algorithm.hasPrefix("AES_") { return try await encryption(material, session) }
    let what = "give the public key"
    let answer = try await api.call(.get, version + "/publicKey", nil, what, .always, session)
    let lines = (answer["pem"]?.text ?? "").split { $0 == "\n" || $0 == "\r\n" }
    guard lines.first == "-----BEGIN PUBLIC KEY-----",
      let der = Base64.decode(lines.dropFirst().dropLast().joined())
    else { throw ProviderWords.unintelligible(what, "it has no key", changes: false) }
    return Proof.publicKey(der, material)
  }

  private func mac(
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ProofResult {
    let hashes: [String: HashFunction] = [
      "HMAC_SHA256": .sha256, "HMAC_SHA384": .sha384, "HMAC_SHA512": .sha512,
    ]
    guard let hash = hashes[algorithm] else {
      return .notProvable("Keyward makes no MACs of \(algorithm)")
    }
    let message = try Proof.message()
    let what = "make a MAC"
    let answer = try await api.call(
      .post,
      version + ":macSign",
      .members([("data", .string(Base64.encode(message)))]),
      what,
      .always,
      session
    )
    guard let mac = (answer["mac"]?.text).flatMap({ Base64.decode($0) }) else {
      throw ProviderWords.unintelligible(what, "it has none", changes: false)
    }
    return await Proof.mac(mac, hash, message, material)
  }

  private func encryption(
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ProofResult {
    guard algorithm.hasSuffix("_GCM") else {
      return .notProvable("Keyward does not decrypt what Google makes with \(algorithm)")
    }
    let message = try Proof.message()
    let what = "encrypt"
    let answer = try await api.call(
      .post,
      version + ":rawEncrypt",
      .members([("plaintext", .string(Base64.encode(message)))]),
      what,
      .always,
      session
    )
    guard let sealed = (answer["ciphertext"]?.text).flatMap({ Base64.decode($0) }),
      let nonce = (answer["initializationVector"]?.text).flatMap({ Base64.decode($0) }),
      answer["tagLength"]?.integer == 16, sealed.count >= 16
    else { throw ProviderWords.unintelligible(what, "a member is missing", changes: false) }
    let sample = SealedSample(
      .aesGCM,
      nonce: nonce,
      ciphertext: Array(sealed.dropLast(16)),
      tag: Array(sealed.suffix(16))
    )
    return await Proof.encryption(sample, message, material)
  }
}
