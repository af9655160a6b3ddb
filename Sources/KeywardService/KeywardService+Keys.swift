import KeywardAudit
package import KeywardCrypto
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

  /// Takes material that was made elsewhere, as a new key or as the next version of one.
  ///
  /// The answer lists the new version only.
  package func importKey(
    _ caller: Caller,
    name: KeyName,
    _ request: ImportRequest,
    material bytes: SecretBox
  ) async throws(ServiceError) -> KeyInfo {
    let new: (KeyName, KeyType, KeyAttributes)? = try {
      () throws(ServiceError) in try request.newKey?.parsed()
    }()
    // The name that policy is asked about has to be the name that is made.
    if let new, new.0 != name {
      throw ServiceError(.invalidRequest, "The new key's name is not the one that is imported to.")
    }
    let read = await prepared(caller, .keyImport, .key(name)) { () throws(ServiceError) in
      var type = new?.1
      if type == nil { type = try self.find(name, in: self.unsealed()).type }
      guard let type else { throw .noKey(name) }
      return (type, try KeyMaterial.imported(bytes, format: request.format, type: type))
    }
    return try await awaiting { reply in
      self.change(caller, .keyImport, .key(name), reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let (checkedType, material) = try read.get()
        if let (name, type, attributes) = new {
          return try self.insertKey(
            name,
            type,
            attributes,
            material,
            .imported,
            state,
            transaction,
            &record
          )
        }
        let key = try self.find(name, in: state)
        try self.checkType(of: key, is: checkedType)
        return try self.addVersion(to: key, material, .imported, state, transaction, &record)
      }
    }
  }

  /// A page of keys in the order of names.
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
        _ throws(ServiceError) in
        if deleted {
          let gone = state.directory.all().filter {
            $0.deletedAt != nil && $0.name.description.hasPrefix(prefix)
          }
          let page = gone.sorted { $0.name < $1.name }.prefix(limit)
          return KeyPage(
            keys: page.map { KeyInfo($0, listing: .none) },
            nextCursor: nil
          )
        }
        let keys = state.directory.page(prefix: prefix, after: after, limit: limit + 1)
        let page = keys.prefix(limit)
        return KeyPage(
          keys: page.map { KeyInfo($0, listing: .none) },
          nextCursor: keys.count > limit ? page.last?.name.description : nil
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

  /// Makes a new active version; the former one still decrypts and verifies.
  ///
  /// The answer lists the new version only.
  package func rotateKey(
    _ caller: Caller,
    name: KeyName
  ) async throws(ServiceError) -> KeyInfo {
    let made = await prepared(caller, .keyRotate, .key(name)) { () throws(ServiceError) in
      let type = try self.find(name, in: self.unsealed()).type
      guard type != .opaque else {
        throw ServiceError(
          .keyUsage,
          "An opaque key cannot be generated, so it cannot be rotated.",
          remedy: "Import its next version with: keyward key import."
        )
      }
      return (type, try KeyMaterial.generate(type))
    }
    return try await awaiting { reply in
      self.change(caller, .keyRotate, .key(name), reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let (type, material) = try made.get()
        let key = try self.find(name, in: state)
        try self.checkType(of: key, is: type)
        return try self.addVersion(to: key, material, .generated, state, transaction, &record)
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
        try self.requireNoApproval(key)
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
        return self.scrubbing(removed, self.shown(updated, state))
      }
    }
  }

  /// Moves a version to another state of SP 800-57.
  package func setState(
    _ caller: Caller,
    name: KeyName,
    version number: Int,
    to target: KeyState
  ) async throws(ServiceError) -> KeyInfo {
    guard target != .destroyed else {
      throw ServiceError(
        .invalidRequest,
        "Destruction is ordered by destroy, not by a state.",
        remedy: "Use: keyward key destroy \(name) --version \(number)."
      )
    }
    return try await awaiting { reply in
      self.change(caller, .keyState, .key(name), reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let key = try self.find(name, in: state)
        var version = try self.find(number, of: key)
        record.used(key, version)
        try self.requireNoApproval(key)
        record.details = [.state(from: AuditState(version.state), to: AuditState(target))]
        guard version.state.successors.contains(target) else {
          throw ServiceError(
            .keyState,
            "Version \(number) of '\(name)' is \(version.state.rawValue) and cannot become "
              + "\(target.rawValue).",
            remedy: "From here it can become: "
              + version.state.successors.map(\.rawValue).sorted().joined(separator: ", ") + "."
          )
        }
        guard target != .active || number == key.versions.count else {
          throw ServiceError(
            .keyState,
            "Version \(number) of '\(name)' was rotated out and cannot become active again.",
            remedy: "Deactivate it, so that it opens what it protected."
          )
        }
        version.state = target
        switch target {
        case .active: version.activatedAt = record.time
        case .deactivated: version.deactivatedAt = record.time
        default: break
        }
        return try self.replace(version, of: key, state, transaction)
      }
    }
  }

  /// Orders the destruction of a version, or of all of them and so of the key.
  ///
  /// Until it is carried out, the versions do nothing and the order can be taken back.
  package func destroyKey(
    _ caller: Caller,
    name: KeyName,
    version number: Int?,
    after seconds: Int64?
  ) async throws(ServiceError) -> KeyInfo {
    let delay = seconds ?? options.destructionDelay
    guard (0...315_360_000).contains(delay) else {
      throw ServiceError(.invalidRequest, "'after' is not within 0 seconds and 10 years.")
    }
    return try await awaiting { reply in
      self.change(caller, .keyDestroy, .key(name), reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let key = try self.find(name, in: state)
        record.used(key, try number.map { n throws(ServiceError) in try self.find(n, of: key) })
        try self.requireNoApproval(key)
        guard !key.attributes.deletionProtected else {
          throw ServiceError(
            .keyUsage,
            "The key '\(name)' is protected from deletion for good.",
            remedy: "Deactivate its versions instead."
          )
        }
        let due = record.time.adding(seconds: delay)
        record.details = [.due(UInt64(clamping: due.milliseconds))]
        var versions = key.versions
        for index in versions.indices {
          if let number, versions[index].number != number { continue }
          guard versions[index].state != .destroyed else {
            if number != nil {
              throw ServiceError(.keyState, "This version is destroyed already.")
            }
            continue
          }
          if number != nil && versions[index].state == .active {
            throw ServiceError(
              .keyState,
              "Version \(versions[index].number) of '\(name)' is active.",
              remedy: "Rotate the key or deactivate the version first."
            )
          }
          versions[index].destroyAt = due
          try self.write(versions[index], over: key, in: transaction)
        }
        let marked = key.with(versions: versions)
        if delay == 0 {
          return try self.destroyDue(marked, state, transaction, at: record.time)
        }
        return self.shown(marked, state)
      }
    }
  }

  /// Takes an order to destroy back.
  package func undestroyKey(
    _ caller: Caller,
    name: KeyName,
    version number: Int?
  ) async throws(ServiceError) -> KeyInfo {
    try await awaiting { reply in
      self.change(caller, .keyUndestroy, .key(name), reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let key = try self.find(name, in: state)
        record.used(key, try number.map { n throws(ServiceError) in try self.find(n, of: key) })
        try self.requireNoApproval(key)
        var versions = key.versions
        var found = false
        for index in versions.indices
        where versions[index].destroyAt != nil && versions[index].state != .destroyed {
          if let number, versions[index].number != number { continue }
          versions[index].destroyAt = nil
          if versions[index].state == .active && versions[index].number < versions.count {
            // Rotated out while it waited: it opens what it protected, and protects nothing more.
            versions[index].state = .deactivated
            versions[index].deactivatedAt = record.time
          }
          found = true
          try self.write(versions[index], over: key, in: transaction)
        }
        guard found else {
          throw ServiceError(.keyState, "No destruction is scheduled for '\(name)'.")
        }
        return self.shown(key.with(versions: versions), state)
      }
    }
  }
}

/// The steps that several of these share; on the writing thread.
extension KeywardService {
  func find(_ name: KeyName, in state: UnsealedState) throws(ServiceError) -> Key {
    guard let key = state.directory.key(named: name) else { throw .noKey(name) }
    return key
  }

  func find(_ number: Int, of key: Key) throws(ServiceError) -> KeyVersion {
    guard let version = key.version(number) else { throw .noVersion(number, of: key.name) }
    return version
  }

  /// Refuses a key whose attributes ask for approvals: nobody can give them before quorum approvals
  /// exist, and what asks for them must not go through without.
  func requireNoApproval(_ key: Key) throws(ServiceError) {
    guard key.attributes.requiredApprovals == 0 else {
      throw ServiceError(
        .approvalRequired,
        "The key '\(key.name)' asks for \(key.attributes.requiredApprovals) approvals, and this "
          + "server has no approvals yet."
      )
    }
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
  private func write(
    _ version: KeyVersion,
    over key: Key,
    in transaction: any StoreTransaction
  ) throws(ServiceError) {
    let old = try find(version.number, of: key)
    try store { try transaction.updateVersion(version, from: old, of: key.id) }
  }

  /// Refuses a key that was replaced by one of another type while material was made for it.
  private func checkType(of key: Key, is type: KeyType) throws(ServiceError) {
    guard key.type == type else {
      throw ServiceError(
        .conflict,
        "The key '\(key.name)' was replaced meanwhile.",
        remedy: "Try again."
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
    guard state.directory.key(named: name) == nil else {
      throw ServiceError(
        .alreadyExists,
        "There is a key '\(name)' already.",
        remedy: "Choose another name, or rotate it with: keyward key rotate \(name)."
      )
    }
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

  func addVersion(
    to key: Key,
    _ material: KeyMaterial,
    _ origin: KeyVersion.Origin,
    _ state: UnsealedState,
    _ transaction: any StoreTransaction,
    _ record: inout AuditRecord
  ) throws(ServiceError) -> Change<KeyInfo> {
    try requireNoApproval(key)
    // A former version may wait; a key that waits as a whole must not come back by a new version.
    guard key.versions.contains(where: { $0.state != .destroyed && $0.destroyAt == nil }) else {
      throw ServiceError(
        .keyState,
        "The key '\(key.name)' waits for destruction.",
        remedy: "Take it back first with: keyward key undestroy \(key.name)."
      )
    }
    let version = try newVersion(of: key, material, origin, state, at: record.time)
    var versions = key.versions
    for index in versions.indices
    where versions[index].state == .active && versions[index].destroyAt == nil {
      versions[index].state = .deactivated
      versions[index].deactivatedAt = record.time
      try write(versions[index], over: key, in: transaction)
    }
    versions.append(version)
    let rotated = key.with(versions: versions)
    record.used(rotated, version)
    record.details = [
      .versions(from: UInt64(version.number - 1), to: UInt64(version.number))
    ]
    try store { try transaction.insertVersion(version, of: key.id) }
    return shown(rotated, state, listing: .newest)
  }

  func replace(
    _ version: KeyVersion,
    of key: Key,
    _ state: UnsealedState,
    _ transaction: any StoreTransaction
  ) throws(ServiceError) -> Change<KeyInfo> {
    var versions = key.versions
    versions[version.number - 1] = version
    try write(version, over: key, in: transaction)
    return shown(key.with(versions: versions), state)
  }

  /// Destroys the material of every version of `key` that is due, and the key with its last.
  func destroyDue(
    _ key: Key,
    _ state: UnsealedState,
    _ transaction: any StoreTransaction,
    at now: Timestamp
  ) throws(ServiceError) -> Change<KeyInfo> {
    guard !key.attributes.deletionProtected else {
      throw ServiceError(.keyUsage, "The key '\(key.name)' is protected from deletion for good.")
    }
    var versions = key.versions
    var removed: [[UInt8]] = []
    for index in versions.indices {
      guard let due = versions[index].destroyAt, due <= now, versions[index].state != .destroyed
      else { continue }
      versions[index].state = .destroyed
      versions[index].destroyedAt = now
      removed.append(versions[index].material)
      versions[index].material = []
      try write(versions[index], over: key, in: transaction)
    }
    var result = key.with(versions: versions)
    if versions.allSatisfy({ $0.state == .destroyed }) {
      result = result.with(deletedAt: now)
      try store { try transaction.updateKey(result, from: key) }
    }
    return scrubbing(removed, shown(result, state))
  }

  /// The same change, after which no copy of these envelopes is left in the files.
  private func scrubbing(_ removed: [[UInt8]], _ change: Change<KeyInfo>) -> Change<KeyInfo> {
    guard !removed.isEmpty else { return change }
    return Change(change.answer) { [self] in
      change.apply()
      scrubSoon(of: removed)
    }
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

  private func newVersion(
    of key: Key,
    _ material: KeyMaterial,
    _ origin: KeyVersion.Origin,
    _ state: UnsealedState,
    at now: Timestamp
  ) throws(ServiceError) -> KeyVersion {
    let number = key.versions.count + 1
    guard number <= 100_000 else {
      throw ServiceError(.limitExceeded, "The key '\(key.name)' has 100,000 versions, the most.")
    }
    guard let keyID = KMSKeyID(random: try random(16)) else {
      throw ServiceError(.internalError, "No key_id could be made.")
    }
    do {
      let wrapped = try state.keyring().wrapMaterial(
        material.box.bytes,
        MaterialContext(
          key: key.id,
          version: UInt32(clamping: number),
          type: key.type,
          neverExportable: key.attributes.neverExportable
        )
      )
      return KeyVersion(
        number: number,
        kmsKeyID: keyID,
        state: .active,
        origin: origin,
        createdAt: now,
        activatedAt: now,
        checkValue: material.checkValue,
        publicKey: material.publicKey,
        material: wrapped
      )
    } catch let error as KeyringError {
      throw ServiceError(error)
    } catch let error as ServiceError {
      throw error
    } catch {
      throw ServiceError(.internalError, "The material could not be wrapped.")
    }
  }

  func random(_ count: Int) throws(ServiceError) -> [UInt8] {
    do { return try RandomSource.bytes(count) } catch { throw ServiceError(error) }
  }
}

extension KeyVersion {
  /// Whether its destruction was ordered and not yet carried out.
  var isAwaitingDestruction: Bool { destroyAt != nil && state != .destroyed }
}
