import KeywardCrypto

/// The comparisons that proofs are made of.
enum Proof {
  /// Fresh bytes, so that no provider can have seen them.
  static func message() throws(CloudFailure) -> [UInt8] {
    do throws(CryptoError) {
      return try RandomSource.bytes(32)
    } catch {
      throw CloudFailure(.internalFailure, "No random bytes could be made.")
    }
  }

  static func publicKey(_ found: [UInt8], _ material: any ProofMaterial) -> ProofResult {
    guard let mine = material.publicKey else {
      return .notProvable("the key has no public half to compare")
    }
    return mine == found
      ? .proved(by: "public-key") : .contradicted("the provider has another public key")
  }

  static func mac(
    _ found: [UInt8],
    _ hash: HashFunction,
    _ message: [UInt8],
    _ material: any ProofMaterial
  ) async -> ProofResult {
    guard let mine = await material.mac(hash, message) else {
      return .notProvable("Keyward makes no MAC with \(hash.rawValue) of this key")
    }
    return constantTimeEquals(mine, found)
      ? .proved(by: "mac") : .contradicted("the provider makes other MACs")
  }

  static func encryption(
    _ sample: SealedSample,
    _ message: [UInt8],
    _ material: any ProofMaterial
  ) async -> ProofResult {
    guard let opened = await material.open(sample) else {
      return .contradicted("what the provider encrypts does not open with the key")
    }
    return opened == message
      ? .proved(by: "encryption") : .contradicted("the provider encrypts something else")
  }
}
