import KeywardAudit
import KeywardCrypto
import KeywardKeyring
package import KeywardModel
import KeywardStore

/// New versions of a key, and the states that they go through.
extension KeywardService {
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
}

/// The steps; on the writing thread.
extension KeywardService {
  /// Refuses a key whose versions are all destroyed, or will be.
  func checkTakesVersions(_ key: Key) throws(ServiceError) {
    // A former version may wait; a key that waits as a whole must not come back by a new version.
    guard key.versions.contains(where: { $0.state != .destroyed && $0.destroyAt == nil }) else {
      throw ServiceError(
        .keyState,
        "The key '\(key.name)' waits for destruction.",
        remedy: "Take it back first with: keyward key undestroy \(key.name)."
      )
    }
  }

  func addVersion(
    to key: Key,
    _ material: KeyMaterial,
    _ origin: KeyVersion.Origin,
    _ state: UnsealedState,
    _ transaction: any StoreTransaction,
    _ record: inout AuditRecord
  ) throws(ServiceError) -> Change<KeyInfo> {
    try checkTakesVersions(key)
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

  func newVersion(
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

  /// Refuses a key that was replaced by one of another type while material was made for it.
  func checkType(of key: Key, is type: KeyType) throws(ServiceError) {
    guard key.type == type else {
      throw ServiceError(
        .conflict,
        "The key '\(key.name)' was replaced meanwhile.",
        remedy: "Try again."
      )
    }
  }
}
