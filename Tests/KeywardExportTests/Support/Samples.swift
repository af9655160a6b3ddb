import KeywardCrypto
import KeywardExport
import KeywardModel
import Synchronization

/// Keys for tests: one wrapping key a size, one material a type and length.
enum Samples {
  private static let wrapping = Mutex<[Int: PrivateKey]>([:])
  private static let pairs = Mutex<[KeyType: PrivateKey]>([:])

  static func wrappingKey(_ bits: Int) throws -> PrivateKey {
    try wrapping.withLock { kept in
      if let key = kept[bits] { return key }
      let key = try PrivateKey.generate(.rsa(bits: bits))
      kept[bits] = key
      return key
    }
  }

  static func pair(_ type: KeyType) throws -> PrivateKey {
    try pairs.withLock { kept in
      if let key = kept[type] { return key }
      guard let algorithm = type.keyPairAlgorithm else {
        throw CryptoError.invalidInput("no pair")
      }
      let key = try PrivateKey.generate(algorithm)
      kept[type] = key
      return key
    }
  }

  /// What a key version of this subject holds.
  static func stored(_ subject: ExportSubject) throws -> SecretBytes {
    if subject.type.isKeyPair { return try pair(subject.type).pkcs8() }
    return try SecretBytes.random(count: subject.byteCount ?? 32)
  }

  /// A secret of known bytes.
  static func secret(_ bytes: [UInt8]) throws -> SecretBytes {
    var secret = try SecretBytes(count: bytes.count)
    secret.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
    return secret
  }
}
