import KeywardAudit
import KeywardCrypto
import KeywardKeyring
import KeywardModel
import KeywardStore

/// The keys of a store and what makes rows for it.
struct Sample {
  struct Missing: Error {}

  let rootBytes: [UInt8]
  let rootKey: RootKey
  let keys: StoreKeys
  let id: StoreID
  let keyring: Keyring
  let signer: NoteSigner
  let contents: InitialContents

  static let time = Timestamp(milliseconds: 1_790_000_000_000)

  init() throws {
    rootBytes = try RandomSource.bytes(32)
    rootKey = try RootKey(try SecretBytes.fixture(rootBytes))
    keys = try StoreKeys(rootKey)
    id = try Sample.some(StoreID(try RandomSource.bytes(16)))
    keyring = try Keyring.create(store: id, at: Sample.time).rotated(at: Sample.time)
    signer = try NoteSigner(name: "keyward/test", privateKey: try PrivateKey.generate(.ed25519))
    contents = InitialContents(
      store: id,
      seals: [
        StoredSeal(slot: 0, record: Array("seal number zero".utf8)),
        StoredSeal(slot: 1, record: Array("seal number one".utf8)),
      ],
      terms: [
        try keyring.wrappedTerm(1, by: rootKey), try keyring.wrappedTerm(2, by: rootKey),
      ],
      meta: [
        .auditOrigin: Array("keyward/test".utf8),
        .auditSigningKey: Array("wrapped".utf8),
        .auditVerifier: Array(signer.verifierKey.text.utf8),
      ]
    )
  }

  static func some<T>(_ value: T?) throws -> T {
    guard let value else { throw Missing() }
    return value
  }

  /// A new store of this sample in a folder, unlocked.
  func create(in directory: String, anchorPath: String? = nil) throws -> SQLiteStore {
    let store = try SQLiteStore.open(directory: directory, anchorPath: anchorPath)
    try store.initialize(contents, keys: keys)
    return store
  }

  // MARK: - Keys

  func key(
    _ name: String,
    type: KeyType = .aes256,
    versions: Int = 1,
    attributes: KeyAttributes? = nil
  ) throws -> Key {
    let id = try Sample.some(KeyID(try RandomSource.bytes(16)))
    let attributes = attributes ?? KeyAttributes(operations: type.defaultOperations)
    let blank = Key(
      id: id,
      name: try KeyName(name),
      type: type,
      attributes: attributes,
      createdAt: Sample.time,
      versions: []
    )
    var made: [KeyVersion] = []
    for number in 1...versions {
      made.append(
        try version(number, of: blank, state: number == versions ? .active : .deactivated)
      )
    }
    return blank.with(versions: made)
  }

  func version(_ number: Int, of key: Key, state: KeyState = .active) throws -> KeyVersion {
    var publicKey: [UInt8] = []
    var checkValue: [UInt8]
    let material: SecretBytes
    if key.type.isKeyPair {
      let pair = try PrivateKey.generate(key.type == .ed25519 ? .ed25519 : .p256)
      publicKey = try pair.publicKey().spki()
      checkValue = try KeyCheckValue.publicKey(spki: publicKey).bytes
      material = try pair.pkcs8()
    } else {
      material = try SecretBytes.random(count: key.type.generatedByteCount ?? 24)
      // Opaque material has none: it may be a password.
      checkValue = key.type == .opaque ? [] : try KeyCheckValue.secret(material).bytes
    }
    let context = MaterialContext(
      key: key.id,
      version: UInt32(number),
      type: key.type,
      neverExportable: key.attributes.neverExportable
    )
    return KeyVersion(
      number: number,
      kmsKeyID: try Sample.some(KMSKeyID(random: try RandomSource.bytes(16))),
      state: state,
      origin: number == 1 ? .generated : .imported,
      createdAt: Sample.time.adding(seconds: Int64(number)),
      activatedAt: Sample.time,
      checkValue: checkValue,
      publicKey: publicKey,
      material: try keyring.wrapMaterial(material, context)
    )
  }

  static func destroyed(_ version: KeyVersion) -> KeyVersion {
    var version = version
    version.state = .destroyed
    version.material = []
    version.destroyedAt = time.adding(seconds: 99)
    return version
  }

  // MARK: - Audit

  /// Appends entries, and signs a checkpoint of the log.
  func log(_ count: Int, to store: SQLiteStore, from frontier: Frontier) throws -> Frontier {
    let events = (0..<count).map { number in
      AuditEvent(
        time: UInt64(Sample.time.milliseconds),
        request: "request-\(number)",
        principal: AuditPrincipal(kind: .server, name: "server"),
        source: .server,
        operation: "key:encrypt",
        resource: "keys/etcd/prod-\(number)",
        outcome: .allowed,
        reason: "ok"
      )
    }
    let batch = try AuditBatch(appending: events, to: frontier)
    let checkpoint = try Checkpoint(
      origin: "keyward/test",
      size: batch.frontier.size,
      root: batch.root
    )
    let note = try checkpoint.signed(by: signer)
    try store.write(durability: .auditOnly) { transaction in
      try transaction.append(batch)
      try transaction.insertCheckpoint(
        StoredCheckpoint(
          size: batch.frontier.size,
          note: note.bytes,
          frontier: batch.frontier.encoded()
        )
      )
    }
    return batch.frontier
  }
}

/// A key's content, for comparison.
struct KeyImage: Hashable {
  let id: KeyID
  let name: KeyName
  let type: KeyType
  let attributes: KeyAttributes
  let createdAt: Timestamp
  let deletedAt: Timestamp?
  let versions: [KeyVersion]

  init(_ key: Key) {
    id = key.id
    name = key.name
    type = key.type
    attributes = key.attributes
    createdAt = key.createdAt
    deletedAt = key.deletedAt
    versions = key.versions
  }
}

/// All that a store gives its user, for comparison.
struct StateImage: Hashable {
  let keys: Set<KeyImage>
  let seals: [StoredSeal]
  let terms: [WrappedTerm]
  let meta: [MetaName: [UInt8]]
  let records: [StoredRecord]
  let auditSize: UInt64
  let frontier: [UInt8]
  let counter: UInt64

  init(_ state: LoadedState) {
    keys = Set(state.keys.map(KeyImage.init))
    seals = state.seals
    terms = state.terms
    meta = state.meta
    records = state.records
    auditSize = state.auditSize
    frontier = state.frontier
    counter = state.counter
  }
}
