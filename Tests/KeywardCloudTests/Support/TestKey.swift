import KeywardCrypto
import KeywardExport
import KeywardModel
import Synchronization

/// A key to export, and what proofs ask of it.
struct TestKey: ProofMaterial {
  let type: KeyType
  let material: SecretBox
  let publicKey: [UInt8]?

  init(_ type: KeyType, count: Int? = nil) throws {
    self.type = type
    if let algorithm = Self.algorithms[type] {
      let pair = try Self.pairs.withLock { pairs in
        if let pair = pairs[type] { return pair }
        let pair = try PrivateKey.generate(algorithm)
        // RSA takes seconds; curves are made anew, so that two keys of a test differ.
        if algorithm.isRSA { pairs[type] = pair }
        return pair
      }
      material = SecretBox(try pair.pkcs8())
      publicKey = try pair.publicKey().spki()
    } else {
      material = SecretBox(try SecretBytes.random(count: count ?? type.generatedByteCount ?? 32))
      publicKey = nil
    }
  }

  init(_ type: KeyType, bytes: [UInt8]) throws {
    self.type = type
    material = SecretBox(try SecretBytes.fixture(bytes))
    publicKey = nil
  }

  private static let pairs = Mutex<[KeyType: PrivateKey]>([:])

  private static let algorithms: [KeyType: AsymmetricAlgorithm] = [
    .ecP256: .p256, .ecP384: .p384, .ecP521: .p521, .ecSecp256k1: .secp256k1, .ed25519: .ed25519,
    .rsa2048: .rsa(bits: 2048), .rsa3072: .rsa(bits: 3072), .rsa4096: .rsa(bits: 4096),
  ]

  var hex: String {
    material.bytes.revealed().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
      .joined()
  }

  func mac(_ hash: HashFunction, _ message: [UInt8]) async throws(ProofObstacle) -> [UInt8] {
    do { return try HMAC.authenticate(hash, key: material.bytes, message) } catch {
      throw ProofObstacle("no MAC: \(error)")
    }
  }

  func open(_ sample: SealedSample) async throws(ProofObstacle) -> [UInt8]? {
    let algorithm: AEAD.Algorithm =
      switch sample.cipher {
      case .aesGCM: material.bytes.count == 16 ? .aes128GCM : .aes256GCM
      case .chaCha20Poly1305: .chacha20Poly1305
      }
    do throws(CryptoError) {
      return try AEAD.open(
        algorithm,
        key: material.bytes,
        nonce: sample.nonce,
        aad: [],
        ciphertext: sample.ciphertext + sample.tag
      ).revealed()
    } catch .authenticationFailed {
      return nil
    } catch {
      throw ProofObstacle("not opened: \(error)")
    }
  }

  /// The material in the envelope that the parameters ask for.
  func sealed(_ parameters: WrappingParameters) throws -> [UInt8] {
    let key = try PublicKey(spki: parameters.publicKey)
    let hash = parameters.algorithm.hash ?? .sha256
    guard parameters.algorithm.envelope == .hybrid else {
      return try key.encryptOAEP(hash: hash, plaintext: material.bytes)
    }
    let fresh = try SecretBytes.random(count: 32)
    return try key.encryptOAEP(hash: hash, plaintext: fresh)
      + KeyWrap.wrapPadded(kek: fresh, material.bytes)
  }
}

/// Everything that an export does at a provider, in its order.
struct Push {
  let destination: any CloudDestination
  let session: CloudSession

  struct Outcome {
    let parameters: WrappingParameters
    let receipt: ImportReceipt
    let proof: ProofResult
  }

  func run(_ key: TestKey, _ plan: CloudPlan) async throws -> Outcome {
    let parameters = try await destination.prepare(plan, session)
    let blob = try key.sealed(parameters)
    let receipt = try await destination.deliver(blob, plan, parameters, session)
    let proof = try await destination.prove(receipt, plan, key, session)
    return Outcome(parameters: parameters, receipt: receipt, proof: proof)
  }
}
