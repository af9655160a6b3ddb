import KeywardCrypto
import KeywardKeyring
package import KeywardModel
import KeywardPolicy
import KeywardStore

/// Making, showing and changing keys.
extension KeywardService {
  /// Makes a key with one active version.
  package func createKey(
    _ caller: Caller,
    _ request: CreateKeyRequest
  ) async throws(ServiceError) -> KeyInfo {
    let (name, type, attributes) = try request.parsed()
    guard type != .opaque else {
      throw ServiceError(
        .invalidRequest,
        "An opaque key cannot be generated.",
        remedy: "Import one with: keyward key import --type opaque."
      )
    }
    let made = await prepared(caller, .keyCreate, .key(name)) { () throws(ServiceError) in
      try KeyMaterial.generate(type)
    }
    return try await awaiting { reply in
      self.change(caller, .keyCreate, .key(name), reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let material = try made.get()
        return try self.insertKey(
          name,
          type,
          attributes,
          material,
          .generated,
          state,
          transaction,
          &record
        )
      }
    }
  }

  /// A page of keys in the order of names: those that the caller may see, and no hint of others.
  package func listKeys(
    _ caller: Caller,
    prefix: String,
    limit: Int,
    cursor: String?,
    deleted: Bool
  ) async throws(ServiceError) -> KeyPage {
    let after = try cursor.map { text throws(ServiceError) in try WireText.keyName(text) }
    return try await awaiting { reply in
      self.answer(caller, .keyList, .keys, reply: reply) {
        _,
        state,
        record throws(ServiceError) in
        let time = record.time
        let policy = state.policy.compiled
        let maySee = { (key: Key) in
          let decision = policy.decide(
            PolicyRequest(caller, .keyShow, .key(key.name), time: time)
          )
          // A key that is shown with approval alone is not shown by a list either.
          return decision.isAllowed && decision.approvals.isEmpty
        }
        if deleted {
          let gone = state.directory.all().filter {
            $0.deletedAt != nil && $0.name.description.hasPrefix(prefix) && maySee($0)
          }
          let page = gone.sorted { $0.name < $1.name }.prefix(limit)
          return KeyPage(
            keys: page.map { KeyInfo($0, listing: .none) },
            nextCursor: nil
          )
        }
        let (keys, next) = state.directory.page(
          prefix: prefix,
          after: after,
          limit: limit,
          where: maySee
        )
        return KeyPage(
          keys: keys.map { KeyInfo($0, listing: .none) },
          nextCursor: next?.description
        )
      }
    }
  }

  /// One key with all its versions.
  package func showKey(_ caller: Caller, name: KeyName) async throws(ServiceError) -> KeyInfo {
    try await awaiting { reply in
      self.answer(caller, .keyShow, .key(name), reply: reply) {
        _,
        state,
        record throws(ServiceError) in
        let key = try self.find(name, in: state)
        record.used(key, nil)
        return KeyInfo(key)
      }
    }
  }

  /// Changes attributes; limits can only get tighter.
  package func updateKey(
    _ caller: Caller,
    name: KeyName,
    _ request: UpdateKeyRequest
  ) async throws(ServiceError) -> KeyInfo {
    try await awaiting { reply in
      self.change(caller, .keyUpdate, .key(name), reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let key = try self.find(name, in: state)
        record.used(key, nil)
        let attributes = try request.applied(to: key.attributes, of: key.type)
        if let limit = attributes.loosening(of: key.attributes) {
          throw ServiceError(
            .keyUsage,
            "'\(limit)' of '\(name)' can be tightened, not loosened.",
            remedy: "Make a new key with the attributes you need."
          )
        }
        guard
          attributes.deletionProtected == key.attributes.deletionProtected
            && attributes.requiredApprovals == key.attributes.requiredApprovals
            || !key.versions.contains(where: \.isAwaitingDestruction)
        else {
          throw ServiceError(
            .keyState,
            "The key '\(name)' has a version that waits for destruction.",
            remedy: "Take it back first with: keyward key undestroy \(name)."
          )
        }
        var updated = key.with(attributes: attributes)
        if attributes.neverExportable != key.attributes.neverExportable {
          // The wrapping is bound to the attribute: old wrapped bytes cannot serve a looser row.
          updated = updated.with(
            versions: try self.rewrapped(key, into: updated, state)
          )
          for (version, old) in zip(updated.versions, key.versions) where version != old {
            try self.store { try transaction.updateVersion(version, from: old, of: key.id) }
          }
        }
        try self.store { try transaction.updateKey(updated, from: key) }
        let removed = zip(updated.versions, key.versions).filter { $0 != $1 }.map(\.1.material)
        return try self.scrubbing(removed, transaction, self.shown(updated, state))
      }
    }
  }
}

/// The steps that all changes of keys share; on the writing thread.
extension KeywardService {
  func find(_ name: KeyName, in state: UnsealedState) throws(ServiceError) -> Key {
    guard let key = state.directory.key(named: name) else { throw .noKey(name) }
    return key
  }

  func find(_ number: Int, of key: Key) throws(ServiceError) -> KeyVersion {
    guard let version = key.version(number) else { throw .noVersion(number, of: key.name) }
    return version
  }

  /// Runs a statement of the store.
  ///
  /// A row that is taken or was changed meanwhile is the caller's error; everything else, such as a
  /// full disk, fails the whole commit.
  func store(_ body: () throws -> Void) throws(ServiceError) {
    do {
      try body()
    } catch {
      switch error as? StoreError {
      case .conflict, .constraint, nil: break
      case .some(let refusal): committer.noteRefusal(refusal)
      }
      throw ServiceError(store: error)
    }
  }

  /// Writes a version in the place of the one of the same number that `key` has.
  func write(
    _ version: KeyVersion,
    over key: Key,
    in transaction: any StoreTransaction
  ) throws(ServiceError) {
    let old = try find(version.number, of: key)
    try store { try transaction.updateVersion(version, from: old, of: key.id) }
  }

  /// Refuses a name that a key has.
  func checkFree(_ name: KeyName, _ state: UnsealedState) throws(ServiceError) {
    guard state.directory.key(named: name) == nil else {
      throw ServiceError(
        .alreadyExists,
        "There is a key '\(name)' already.",
        remedy: "Choose another name, or rotate it with: keyward key rotate \(name)."
      )
    }
  }

  func insertKey(
    _ name: KeyName,
    _ type: KeyType,
    _ attributes: KeyAttributes,
    _ material: KeyMaterial,
    _ origin: KeyVersion.Origin,
    _ state: UnsealedState,
    _ transaction: any StoreTransaction,
    _ record: inout AuditRecord
  ) throws(ServiceError) -> Change<KeyInfo> {
    try checkFree(name, state)
    guard let id = KeyID(try random(16)) else {
      throw ServiceError(.internalError, "No identity could be made.")
    }
    let empty = Key(
      id: id,
      name: name,
      type: type,
      attributes: attributes,
      createdAt: record.time,
      versions: []
    )
    let version = try newVersion(of: empty, material, origin, state, at: record.time)
    let key = empty.with(versions: [version])
    record.used(key, version)
    try store { try transaction.insertKey(key) }
    return shown(key, state)
  }

  /// The key as its caller sees it, and the step that lets readers see it.
  func shown(
    _ key: Key,
    _ state: UnsealedState,
    listing: KeyInfo.Listing = .all
  ) -> Change<KeyInfo> {
    Change(KeyInfo(key, listing: listing)) {
      for version in key.versions where version.operations.isEmpty {
        state.forget(key.id, version: version.number)
      }
      state.directory.put(key)
    }
  }

  /// The versions of `key` with their material wrapped for the attributes of `target`.
  private func rewrapped(
    _ key: Key,
    into target: Key,
    _ state: UnsealedState
  ) throws(ServiceError) -> [KeyVersion] {
    let keyring = try state.keyring()
    var versions = key.versions
    for index in versions.indices where !versions[index].material.isEmpty {
      do {
        let bytes = try keyring.unwrapMaterial(
          versions[index].material,
          MaterialContext(key, versions[index])
        )
        versions[index].material = try keyring.wrapMaterial(
          bytes,
          MaterialContext(target, versions[index])
        )
      } catch {
        throw .damagedMaterial(key.name, versions[index].number)
      }
    }
    return versions
  }

  /// A new id, which nothing had before.
  func newIdentifier<Kind>() throws(ServiceError) -> Identifier<Kind> {
    guard let id = Identifier<Kind>(random: try random(16)) else {
      throw ServiceError(.internalError, "No identity could be made.")
    }
    return id
  }

  func random(_ count: Int) throws(ServiceError) -> [UInt8] {
    do { return try RandomSource.bytes(count) } catch { throw ServiceError(error) }
  }
}
