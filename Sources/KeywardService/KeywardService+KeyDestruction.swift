import KeywardAudit
package import KeywardModel
import KeywardStore

/// Destruction: ordered, taken back, carried out.
extension KeywardService {
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

/// The steps; on the writing thread.
extension KeywardService {
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
    return try scrubbing(removed, transaction, shown(result, state))
  }

  /// The same change, after which no copy of these envelopes stays in the files.
  ///
  /// The transaction owes that with the change: a crash, or a disk that is full, only puts it off. With
  /// `isDue` false it is looked for with a later change.
  func scrubbing<Answer>(
    _ removed: [[UInt8]],
    isDue: Bool? = nil,
    _ transaction: any StoreTransaction,
    _ change: Change<Answer>
  ) throws(ServiceError) -> Change<Answer> {
    if !removed.isEmpty { try store { try transaction.oweScrub(of: removed) } }
    guard isDue ?? !removed.isEmpty else { return change }
    return Change(outcome: change.outcome) { [self] in
      change.apply()
      scrubber.scrubSoon()
    }
  }
}

extension KeyVersion {
  /// Whether its destruction was ordered and not yet carried out.
  var isAwaitingDestruction: Bool { destroyAt != nil && state != .destroyed }
}
