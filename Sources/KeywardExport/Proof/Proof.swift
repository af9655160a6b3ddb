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
    // Compared in one form: another spelling of the same key is the same key.
    guard let theirs = try? PublicKey(spki: found).spki() else {
      return .notProvable("the provider's public key cannot be read")
    }
    return mine == theirs
      ? .proved(by: "public-key") : .contradicted("the provider has another public key")
  }

  static func mac(
    _ found: [UInt8],
    _ hash: HashFunction,
    _ message: [UInt8],
    _ material: any ProofMaterial
  ) async -> ProofResult {
    let mine: [UInt8]
    do throws(ProofObstacle) {
      mine = try await material.mac(hash, message)
    } catch {
      return .notProvable(error.words)
    }
    return constantTimeEquals(mine, found)
      ? .proved(by: "mac") : .contradicted("the provider makes other MACs")
  }

  static func encryption(
    _ sample: SealedSample,
    _ message: [UInt8],
    _ material: any ProofMaterial
  ) async -> ProofResult {
    let opened: [UInt8]?
    do throws(ProofObstacle) {
      opened = try await material.open(sample)
    } catch {
      return .notProvable(error.words)
    }
    guard let opened else {
      return .contradicted("what the provider encrypts does not open with the key")
    }
    return opened == message
      ? .proved(by: "encryption") : .contradicted("the provider encrypts something else")
  }
}
