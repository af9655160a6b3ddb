import KeywardCrypto
import KeywardModel
import KeywardService
import KeywardTesting

/// Blobs as somebody else makes them, step by step.
enum ImportBlobs {
  /// A blob for an RSA key: the material under OAEP, or an AES key under it and the material under KWP.
  static func make(
    _ material: [UInt8],
    _ algorithm: ImportWrapping.Algorithm,
    to key: PublicKey,
    hash: HashFunction? = nil
  ) throws -> [UInt8] {
    let secret = try SecretBytes.fixture(material)
    switch algorithm {
    case .oaepSHA256: return try key.encryptOAEP(hash: hash ?? .sha256, plaintext: secret)
    case .oaepSHA384: return try key.encryptOAEP(hash: hash ?? .sha384, plaintext: secret)
    case .oaepSHA512: return try key.encryptOAEP(hash: hash ?? .sha512, plaintext: secret)
    case .hybridSHA224: return try hybrid(secret, hash ?? .sha224, key)
    case .hybridSHA256: return try hybrid(secret, hash ?? .sha256, key)
    case .hybridSHA384: return try hybrid(secret, hash ?? .sha384, key)
    case .hybridSHA512: return try hybrid(secret, hash ?? .sha512, key)
    case .aesKW, .aesKWP: throw ServiceError(.invalidRequest, "Not for an RSA key.")
    }
  }

  /// A blob for an AES key.
  static func make(
    _ material: [UInt8],
    _ algorithm: ImportWrapping.Algorithm,
    under kek: [UInt8]
  ) throws -> [UInt8] {
    let kek = try SecretBytes.fixture(kek)
    let secret = try SecretBytes.fixture(material)
    return algorithm == .aesKW
      ? try KeyWrap.wrap(kek: kek, secret) : try KeyWrap.wrapPadded(kek: kek, secret)
  }

  private static func hybrid(
    _ material: borrowing SecretBytes,
    _ hash: HashFunction,
    _ key: PublicKey
  ) throws -> [UInt8] {
    let ephemeral = try SecretBytes.random(count: 32)
    return try key.encryptOAEP(hash: hash, plaintext: ephemeral)
      + KeyWrap.wrapPadded(kek: ephemeral, material)
  }
}

extension WrappingKeyInfo {
  var publicHalf: PublicKey {
    get throws { try PublicKey(spki: Base64.decode(publicKey) ?? []) }
  }

  /// A blob for this key.
  func blob(
    of material: [UInt8],
    _ algorithm: ImportWrapping.Algorithm = .hybridSHA256
  ) throws -> [UInt8] {
    try ImportBlobs.make(material, algorithm, to: publicHalf)
  }
}

extension TestServer {
  /// The smaller and the quicker wrapping key.
  func wrappingKey(
    _ name: KeyName,
    ttl: Int64? = nil,
    as caller: Caller = .officer
  ) async throws -> WrappingKeyInfo {
    try await service.makeWrappingKey(
      caller,
      name: name,
      WrappingKeyRequest(type: "rsa-3072", ttl: ttl)
    )
  }

  /// Imports a blob under a wrapping key by its id, as a new key.
  @discardableResult
  func importBlob(
    _ blob: [UInt8],
    _ name: KeyName,
    _ type: KeyType = .aes256,
    _ algorithm: ImportWrapping.Algorithm = .hybridSHA256,
    under id: String,
    as caller: Caller = .officer
  ) async throws -> KeyInfo {
    guard let id = WrappingKeyID(id) else { throw ServiceError(.invalidRequest, "No id.") }
    return try await importBlob(
      blob,
      name,
      ImportWrapping(algorithm, under: .oneTime(id)),
      type: type,
      as: caller
    )
  }

  /// The same as the next version of a key.
  func importNext(_ blob: [UInt8], _ name: KeyName, under id: String) async throws {
    guard let id = WrappingKeyID(id) else { throw ServiceError(.invalidRequest, "No id.") }
    let wrapping = ImportWrapping(.hybridSHA256, under: .oneTime(id))
    try await importBlob(blob, name, wrapping, newVersion: true)
  }

  /// The same under any wrapping key.
  @discardableResult
  func importBlob(
    _ blob: [UInt8],
    _ name: KeyName,
    _ wrapping: ImportWrapping,
    type: KeyType = .aes256,
    as caller: Caller = .officer,
    format: ImportRequest.Format? = nil,
    newVersion: Bool = false
  ) async throws -> KeyInfo {
    try await service.importKey(
      caller,
      name: name,
      ImportRequest(
        format: format ?? (type.isKeyPair ? .pkcs8 : .raw),
        newKey: newVersion
          ? nil : CreateKeyRequest(name: name.description, type: type.rawValue),
        wrapping: wrapping
      ),
      material: .of(blob)
    )
  }
}
