import KeywardCrypto
package import KeywardModel
import KeywardService
import Synchronization

/// Key material for tests; key pairs are generated once a process, since RSA takes long.
package enum KeyFixtures {
  private static let pairs = Mutex<[KeyType: [UInt8]]>([:])

  /// Importable bytes of a type: raw, or PKCS#8.
  package static func material(_ type: KeyType) throws -> [UInt8] {
    if let counts = type.importedByteCounts {
      return (0..<max(counts.lowerBound, 16)).map { UInt8(truncatingIfNeeded: $0 * 11 + 5) }
    }
    return try pairs.withLock { pairs in
      if let known = pairs[type] { return known }
      let made = try generate(type).pkcs8().revealed()
      pairs[type] = made
      return made
    }
  }

  /// The SubjectPublicKeyInfo of somebody else's key pair of the same type.
  package static func peer(_ type: KeyType) throws -> [UInt8] {
    try generate(type).publicKey().spki()
  }

  private static func generate(_ type: KeyType) throws -> PrivateKey {
    guard let algorithm = AsymmetricAlgorithm(type) else {
      throw ServiceError(.internalError, "A \(type) has no key pair.")
    }
    return try PrivateKey.generate(algorithm)
  }
}

extension TestServer {
  /// Imports the fixture of `type` as a new key, of the operations named or all that it can do.
  @discardableResult
  package func importKey(
    _ name: KeyName,
    _ type: KeyType,
    operations: [String]? = nil
  ) async throws -> KeyInfo {
    try await service.importKey(
      .officer,
      name: name,
      ImportRequest(
        format: type.isKeyPair ? .pkcs8 : .raw,
        newKey: CreateKeyRequest(
          name: name.description,
          type: type.rawValue,
          operations: operations ?? type.possibleOperations.list.map(\.rawValue)
        )
      ),
      material: .of(KeyFixtures.material(type))
    )
  }

  /// Imports the fixture of `type` as the next version of a key.
  @discardableResult
  package func importVersion(_ name: KeyName, _ type: KeyType) async throws -> KeyInfo {
    try await service.importKey(
      .officer,
      name: name,
      ImportRequest(format: type.isKeyPair ? .pkcs8 : .raw, newKey: nil),
      material: .of(KeyFixtures.material(type))
    )
  }
}
