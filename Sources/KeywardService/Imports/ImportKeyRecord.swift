import KeywardAuthn
import KeywardCrypto
import KeywardKeyring
import KeywardModel
import KeywardStore

/// A wrapping key that serves one import of one name, and ends with it.
///
/// Its private half is nowhere but here, encrypted under a subkey of the root key.
struct ImportKeyRecord: Hashable, Sendable {
  /// How many blobs may fail to open under it before it is destroyed.
  static let mostFailures = 16

  let id: WrappingKeyID
  /// The key that can be imported under it, which need not exist.
  let name: KeyName
  /// Who fetched it.
  let requester: Principal
  let type: KeyType
  /// SubjectPublicKeyInfo DER.
  let publicKey: [UInt8]
  let createdAt: Timestamp
  let expiresAt: Timestamp
  let sealedPrivateKey: [UInt8]
  private(set) var failures = 0

  /// The record of a key pair that was just made.
  init(
    _ pair: PrivateKey,
    _ type: KeyType,
    id: WrappingKeyID,
    name: KeyName,
    requester: Principal,
    createdAt: Timestamp,
    expiresAt: Timestamp,
    _ state: UnsealedState
  ) throws(ServiceError) {
    self.id = id
    self.name = name
    self.requester = requester
    self.type = type
    self.createdAt = createdAt
    self.expiresAt = expiresAt
    do {
      publicKey = try pair.publicKey().spki()
      let key = try state.rootKey().subkey(.importKeys)
      sealedPrivateKey = try KeywardKeyring.Envelope.seal(
        .aes256,
        key: key.bytes,
        version: 1,
        aad: .importKey(store: state.store, id: id, name: name, expiresAt: expiresAt),
        plaintext: try pair.pkcs8()
      )
    } catch let error as CryptoError {
      throw ServiceError(error)
    } catch let error as ServiceError {
      throw error
    } catch {
      throw ServiceError(.internalError, "The wrapping key could not be kept.")
    }
  }

  /// Whether it serves still.
  func holds(at now: Timestamp) -> Bool { now < expiresAt && failures < Self.mostFailures }

  /// One more blob did not open.
  mutating func fail() { failures += 1 }

  /// SHA-256 of the SubjectPublicKeyInfo.
  var fingerprint: [UInt8] { Digest.sha256(publicKey) }

  /// The private half, which is the one of the public half.
  func open(_ state: UnsealedState) throws(ServiceError) -> PrivateKey {
    do {
      let key = try state.rootKey().subkey(.importKeys)
      let bytes = try KeywardKeyring.Envelope.open(
        expecting: .aes256,
        key: key.bytes,
        aad: .importKey(store: state.store, id: id, name: name, expiresAt: expiresAt),
        sealedPrivateKey
      )
      let pair = try PrivateKey(pkcs8: bytes)
      if try pair.publicKey().spki() == publicKey { return pair }
    } catch let error as ServiceError {
      throw error
    } catch KeyringError.crypto(.outOfSecureMemory), CryptoError.outOfSecureMemory {
      throw ServiceError(CryptoError.outOfSecureMemory)
    } catch {}
    throw ServiceError(
      .tampered,
      "The wrapping key \(id) does not open.",
      remedy: "Run keyward fsck; fetch a new wrapping key."
    )
  }
}

/// The form that the store keeps.
extension ImportKeyRecord {
  private static let label = "keyward/import-key/1"

  var stored: StoredRecord {
    var writer = RecordWriter(Self.label)
    writer.add(id.description)
    writer.add(name.description)
    writer.add(type.rawValue)
    writer.add(publicKey)
    writer.add(createdAt.milliseconds)
    writer.add(expiresAt.milliseconds)
    writer.add(sealedPrivateKey)
    writer.add(UInt64(failures))
    writer.add(principal: requester)
    return StoredRecord(kind: .importKey, id: id.description, body: writer.bytes)
  }

  /// Reads what `stored` wrote; nil for anything else.
  init?(decoding record: StoredRecord) {
    do {
      var reader = try RecordReader(record.body, label: Self.label)
      guard let id = WrappingKeyID(try reader.readText()), id.description == record.id,
        let name = try? KeyName(try reader.readText()),
        let type = KeyType(rawValue: try reader.readText())
      else { return nil }
      self.id = id
      self.name = name
      self.type = type
      publicKey = try reader.readBytes()
      createdAt = Timestamp(milliseconds: Int64(bitPattern: try reader.readNumber()))
      expiresAt = Timestamp(milliseconds: Int64(bitPattern: try reader.readNumber()))
      sealedPrivateKey = try reader.readBytes()
      guard let failures = Int(exactly: try reader.readNumber()) else { return nil }
      self.failures = failures
      requester = try reader.readPrincipal()
      try reader.finish()
    } catch {
      return nil
    }
  }
}

extension WrappingKeyInfo {
  init(_ key: ImportKeyRecord) {
    self.init(
      id: key.id.description,
      key: key.name.description,
      type: key.type,
      publicKey: Base64.encode(key.publicKey),
      fingerprint: Hex.encode(key.fingerprint),
      algorithms: ImportWrapping.Algorithm.ofOneTimeKeys,
      createdAt: key.createdAt.rfc3339,
      validUntil: key.expiresAt.rfc3339
    )
  }
}
