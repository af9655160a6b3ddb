import KeywardAudit
import KeywardCrypto
import KeywardExport
import KeywardModel

/// What opens the blob of an import.
struct BlobOpener: Sendable {
  enum Source: Sendable {
    /// A wrapping key that was fetched for it, had by this request alone.
    case oneTime(ImportKeyRecord, ImportKeyBook.Turn)
    case named(Key, KeyVersion)
  }

  let algorithm: ImportWrapping.Algorithm
  let source: Source

  /// Lets another request have the wrapping key.
  func end() {
    if case .oneTime(_, let turn) = source { turn.end() }
  }

  /// The material of the blob; a blob that does not open is `blobUnopened`.
  func open(
    _ blob: [UInt8],
    _ state: UnsealedState
  ) throws(ServiceError) -> SecretBytes {
    switch source {
    case .oneTime(let key, _): return try open(blob, with: key.open(state))
    case .named(let key, let version):
      guard let wrapping = algorithm.symmetric else {
        return try open(blob, with: state.keyPair(key, version))
      }
      let kek = try state.symmetric(key, version)
      return try translated { () throws(ExportRefusal) in
        try ExportEnvelope.open(blob, wrapping, under: kek.bytes)
      }
    }
  }

  /// What the entry of the import tells of it; of an AES key there is no fingerprint, and the entry of
  /// its own names it.
  func details(of blob: [UInt8]) -> [AuditDetail] {
    let publicKey =
      switch source {
      case .oneTime(let key, _): key.publicKey
      case .named(_, let version): version.publicKey
      }
    return [
      .wrapping(
        algorithm: AuditWord(algorithm.rawValue),
        key: AuditDigest(publicKey.isEmpty ? [] : Digest.sha256(publicKey))
      ),
      .blob(AuditDigest(Digest.sha256(blob))),
    ]
  }

  private func open(
    _ blob: [UInt8],
    with pair: PrivateKey
  ) throws(ServiceError) -> SecretBytes {
    guard let (envelope, hash) = algorithm.asymmetric else { throw .blobUnopened }
    return try translated { () throws(ExportRefusal) in
      try ExportEnvelope.open(blob, envelope, hash, with: pair)
    }
  }

  private func translated(
    _ body: () throws(ExportRefusal) -> SecretBytes
  ) throws(ServiceError) -> SecretBytes {
    do { return try body() } catch {
      throw error.code == .outOfMemory
        ? ServiceError(CryptoError.outOfSecureMemory) : .blobUnopened
    }
  }
}

extension ImportWrapping {
  /// What the import reaches besides the key that it makes.
  var reached: (operation: ServiceOperation, resource: Resource)? {
    switch key {
    case .oneTime: nil
    case .named(let name, _): (.keyUnwrap, .key(name))
    }
  }
}

extension ImportWrapping.Algorithm {
  fileprivate var symmetric: WrappingAlgorithm? {
    switch self {
    case .aesKW: .aesKW
    case .aesKWP: .aesKWP
    default: nil
    }
  }

  fileprivate var asymmetric: (WrappingAlgorithm.Envelope, HashFunction)? {
    switch self {
    case .oaepSHA256: (.direct, .sha256)
    case .oaepSHA384: (.direct, .sha384)
    case .oaepSHA512: (.direct, .sha512)
    case .hybridSHA224: (.hybrid, .sha224)
    case .hybridSHA256: (.hybrid, .sha256)
    case .hybridSHA384: (.hybrid, .sha384)
    case .hybridSHA512: (.hybrid, .sha512)
    case .aesKW, .aesKWP: nil
    }
  }
}
