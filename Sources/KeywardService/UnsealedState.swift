package import KeywardCrypto
package import KeywardKeyring
package import KeywardModel
import KeywardStore
import Synchronization

/// What the server holds only while it is unsealed; dropping the last reference wipes the keys.
package final class UnsealedState: Sendable {
  package let store: StoreID
  package let directory: KeyDirectory
  package let rewrap = RewrapQueue()
  package let access: AccessState
  package let secrets: SecretBook
  package let inventory: Inventory
  package let importKeys: ImportKeyBook
  private let rootKeySlot: Mutex<RootKey?>
  private let keyringSlot: Mutex<Keyring?>
  private let cache: MaterialCache
  private let policySlot: Mutex<PolicyRevision>
  private let archiveSlot: Mutex<PolicyArchive>

  init(
    store: StoreID,
    rootKey: RootKey,
    keyring: Keyring,
    keys: [Key],
    access: AccessState,
    secrets: SecretBook,
    inventory: Inventory,
    importKeys: ImportKeyBook,
    policy: PolicyRevision,
    archive: PolicyArchive,
    cacheCapacity: Int
  ) {
    self.access = access
    self.secrets = secrets
    self.inventory = inventory
    self.importKeys = importKeys
    policySlot = Mutex(policy)
    archiveSlot = Mutex(archive)
    self.store = store
    directory = KeyDirectory(keys)
    rootKeySlot = Mutex(rootKey)
    keyringSlot = Mutex(keyring)
    cache = MaterialCache(capacity: cacheCapacity)
    rewrap.fill(keys, term: keyring.currentTerm)
  }

  /// The root key; throws once the state was wiped.
  package func rootKey() throws(ServiceError) -> RootKey {
    guard let key = rootKeySlot.withLock({ $0 }) else { throw .sealed }
    return key
  }

  /// The keyring with its newest term; throws once the state was wiped.
  package func keyring() throws(ServiceError) -> Keyring {
    guard let keyring = keyringSlot.withLock({ $0 }) else { throw .sealed }
    return keyring
  }

  /// Puts a keyring with a new term in place; no-op once the state was wiped.
  package func replaceKeyring(_ keyring: Keyring) {
    keyringSlot.withLock { if $0 != nil { $0 = keyring } }
    rewrap.fill(directory.all(), term: keyring.currentTerm)
    secrets.fillRewrap(term: keyring.currentTerm)
  }

  /// The policy as it is now; a decision is made by one revision as a whole.
  package var policy: PolicyRevision { policySlot.withLock { $0 } }

  /// Puts a new revision of the policy in place.
  func replacePolicy(_ revision: PolicyRevision, stored: StoredRecord) {
    archiveSlot.withLock { $0.append(stored) }
    policySlot.withLock { $0 = revision }
  }

  /// The revisions of the policy that are kept.
  var policyArchive: PolicyArchive { archiveSlot.withLock { $0 } }

  /// Lets go of every key.
  ///
  /// Operations that still hold one finish; nothing new can begin.
  package func wipe() {
    rootKeySlot.withLock { $0 = nil }
    keyringSlot.withLock { $0 = nil }
    cache.removeAll()
  }

  /// The symmetric material of a version, unwrapped on first use.
  package func symmetric(_ key: Key, _ version: KeyVersion) throws(ServiceError) -> SecretBox {
    guard case .symmetric(let box) = try material(key, version) else {
      throw ServiceError(.keyUsage, "The key '\(key.name)' is a key pair.")
    }
    return box
  }

  /// The key pair of a version, unwrapped and parsed on first use.
  package func keyPair(_ key: Key, _ version: KeyVersion) throws(ServiceError) -> PrivateKey {
    guard case .keyPair(let pair) = try material(key, version) else {
      throw ServiceError(.keyUsage, "The key '\(key.name)' is not a key pair.")
    }
    return pair
  }

  /// Forgets the clear material of a version.
  package func forget(_ key: KeyID, version: Int) {
    cache.remove(MaterialCache.Reference(key: key, version: version))
  }

  private func material(
    _ key: Key,
    _ version: KeyVersion
  ) throws(ServiceError) -> MaterialCache.Entry {
    let reference = MaterialCache.Reference(key: key.id, version: version.number)
    if let entry = cache.entry(reference) { return entry }
    let entry = try open(key, version)
    cache.insert(entry, for: reference)
    // A seal or a destruction that came in between must not leave this behind.
    if keyringSlot.withLock({ $0 == nil }) { cache.removeAll() }
    if directory.key(key.id)?.version(version.number)?.operations.isEmpty ?? true {
      cache.remove(reference)
    }
    return entry
  }

  private func open(_ key: Key, _ version: KeyVersion) throws(ServiceError) -> MaterialCache.Entry {
    let keyring = try keyring()
    do {
      let bytes = try keyring.unwrapMaterial(version.material, MaterialContext(key, version))
      if key.type.isKeyPair { return .keyPair(try PrivateKey(pkcs8: bytes)) }
      return .symmetric(SecretBox(bytes))
    } catch KeyringError.crypto(let error) {
      throw ServiceError(error)
    } catch {
      throw .damagedMaterial(key.name, version.number)
    }
  }
}

extension MaterialContext {
  /// The context that the material of `version` is wrapped with.
  package init(_ key: Key, _ version: KeyVersion) {
    self.init(
      key: key.id,
      version: UInt32(clamping: version.number),
      type: key.type,
      neverExportable: key.attributes.neverExportable
    )
  }
}
