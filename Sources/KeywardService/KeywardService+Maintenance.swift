import KeywardAudit
import KeywardKeyring
package import KeywardModel
import KeywardPolicy
import KeywardStore
import Logging
import Synchronization

/// What the server does by itself: rotation and destruction that fall due, rewrap, checkpoints,
/// and finding out whether a broken audit log can be written again.
extension KeywardService {
  /// One step, about once a second; `count` is the number of the step.
  package func tick(_ count: Int) async {
    // What was destroyed has to go from the files of a sealed server too.
    scrubber.tick()
    guard let state = try? unsealed() else { return }
    let now = now()
    await keepLogAlive(now, isProbe: count.isMultiple(of: 5))
    if committer.isBroken { return }
    if clockWatch.isSetBack {
      if count.isMultiple(of: 60) {
        logger.warning("The clock was set back; rotation and destruction wait")
      }
      return
    }
    if count.isMultiple(of: 5) { await carryOutDue(state, now) }
    if count.isMultiple(of: 10) { await removeExpired(state, at: now) }
    if count.isMultiple(of: 5) { await watchExports(state, at: now) }
    // Apart: an issuer that does not answer must not hold up what is due.
    Task { await refreshKeySets(state) }
    await rewrapSome(state)
    await rewrapSecrets(state)
    if count.isMultiple(of: 60) { await keepUses(state) }
  }

  /// Writes a checkpoint when one is due; finds out whether the disk still takes writes.
  private func keepLogAlive(_ now: Timestamp, isProbe: Bool) async {
    let wasBroken = committer.isBroken
    try? await onWritingThread { () throws(ServiceError) in
      guard let log = self.committer.currentLog() else { return }
      guard wasBroken || isProbe || log.isCheckpointDue(at: now) else { return }
      do {
        try self.committer.commitNow(
          log,
          durability: .auditOnly,
          signing: log.isCheckpointDue(at: now)
        ) { _, log in
          guard wasBroken else { return }
          let caller = Caller(principal: .server, transport: .server, requestID: "recover")
          var record = AuditRecord(
            time: now,
            caller: caller,
            operation: .serverRecover,
            resource: .system
          )
          record.rule = "server"
          record.succeed()
          log.append(record.event(), at: now)
        }
        if wasBroken { self.logger.notice("The audit log can be written again") }
      } catch {
        if !wasBroken {
          self.logger.error(
            "The audit log cannot be written; nothing is answered until it can",
            metadata: ["error": "\(error)"]
          )
        }
      }
    }
  }

  private func carryOutDue(_ state: UnsealedState, _ now: Timestamp) async {
    let caller = Caller(principal: .server, transport: .server, requestID: "due")
    for key in state.directory.all() where key.deletedAt == nil {
      if !key.attributes.deletionProtected,
        key.versions.contains(where: { $0.state != .destroyed && ($0.destroyAt ?? .never) <= now })
      {
        await destroy(caller, key.name)
      }
      // What would be refused is not tried: an entry every few seconds would fill the log.
      if let period = key.attributes.rotationPeriod, let primary = key.primary,
        primary.createdAt.adding(seconds: period) <= now, key.type != .opaque,
        key.attributes.requiredApprovals == 0
      {
        await rotate(caller, key.name)
      }
    }
  }

  private func destroy(_ caller: Caller, _ name: KeyName) async {
    do {
      _ = try await awaiting {
        (reply: @escaping @Sendable (Result<KeyInfo, ServiceError>) -> Void) in
        self.change(caller, .keyDestroy, .key(name), reply: reply) {
          _,
          state,
          transaction,
          record throws(ServiceError) in
          let key = try self.find(name, in: state)
          record.used(key, nil)
          return try self.destroyDue(key, state, transaction, at: record.time)
        }
      }
    } catch {
      logger.error("A destruction that is due failed", metadata: ["error": "\(error)"])
    }
  }

  private func rotate(_ caller: Caller, _ name: KeyName) async {
    do {
      _ = try await rotateKey(caller, name: name)
    } catch {
      logger.error("A rotation that is due failed", metadata: ["error": "\(error)"])
    }
  }

  /// How many versions are wrapped under an older term.
  func rewrapPending(_ state: UnsealedState) -> Int {
    state.rewrap.pending + state.secrets.rewrapPending
  }

  /// Wraps some hundred versions again under the newest term.
  private func rewrapSome(_ state: UnsealedState) async {
    while let batch = state.rewrap.next(256), !batch.isEmpty {
      let caller = Caller(principal: .server, transport: .server, requestID: "rewrap")
      do {
        _ = try await awaiting { (reply: @escaping @Sendable (Result<Int, ServiceError>) -> Void) in
          self.change(caller, .operatorRotate, .system, reply: reply) {
            _,
            state,
            transaction,
            record throws(ServiceError) in
            try self.rewrap(batch, state, transaction, &record)
          }
        }
      } catch {
        logger.error("Rewrapping failed; it goes on later", metadata: ["error": "\(error)"])
        state.rewrap.giveBack(batch)
        return
      }
    }
  }

  private func rewrap(
    _ batch: [KeyID],
    _ state: UnsealedState,
    _ transaction: any StoreTransaction,
    _ record: inout AuditRecord
  ) throws(ServiceError) -> Change<Int> {
    let keyring = try state.keyring()
    var changed: [Key] = []
    var removed: [[UInt8]] = []
    var count = 0
    for id in batch {
      guard let key = state.directory.key(id) else { continue }
      var versions = key.versions
      for index in versions.indices where !versions[index].material.isEmpty {
        do {
          guard
            let material = try keyring.rewrapMaterial(
              versions[index].material,
              MaterialContext(key, versions[index])
            )
          else { continue }
          versions[index].material = material
        } catch KeyringError.crypto(let error) {
          throw ServiceError(error)
        } catch {
          // One damaged version must not keep the others under an old term for good.
          logger.error(
            "Material does not open and stays as it is; run keyward fsck",
            metadata: ["key": "\(key.name)", "version": "\(versions[index].number)"]
          )
          continue
        }
        count += 1
        let (new, old) = (versions[index], key.versions[index])
        removed.append(old.material)
        try store { try transaction.updateVersion(new, from: old, of: key.id) }
      }
      changed.append(key.with(versions: versions))
    }
    record.details = [.term(UInt64(keyring.currentTerm)), .count(UInt64(count))]
    let keys = changed
    let change = Change(count) { for key in keys { state.directory.put(key) } }
    return try scrubbing(removed, isDue: state.rewrap.pending == 0, transaction, change)
  }

  /// Returns once no file has what was deleted until now, or that has failed.
  package func finishScrubbing() async {
    await scrubber.finish()
  }
}

/// The keys whose material waits to be wrapped under the newest term.
package final class RewrapQueue: Sendable {
  private let keys = Mutex<[KeyID]>([])

  package init() {}

  /// The number of keys that wait.
  package var pending: Int { keys.withLock { $0.count } }

  /// Puts all keys in line that have material of another term than `term`.
  package func fill(_ all: [Key], term: UInt32) {
    let waiting = all.filter { key in
      key.versions.contains { !$0.material.isEmpty && Envelope.version(of: $0.material) != term }
    }
    keys.withLock { $0 = waiting.map(\.id) }
  }

  /// Takes up to `limit` keys out of the line; nil when it is empty.
  package func next(_ limit: Int) -> [KeyID]? {
    keys.withLock { keys in
      guard !keys.isEmpty else { return nil }
      let batch = Array(keys.suffix(limit))
      keys.removeLast(batch.count)
      return batch
    }
  }

  package func giveBack(_ batch: [KeyID]) {
    keys.withLock { $0.append(contentsOf: batch) }
  }
}

extension Timestamp {
  /// Later than every moment that comes.
  static let never = Timestamp(milliseconds: .max)
}
