import KeywardAudit
import KeywardKeyring
import KeywardModel
import KeywardStore
import Logging

/// What the server does for secrets by itself: rewrap, and writing down last uses.
extension KeywardService {
  /// The most versions' bytes that one commit wraps again.
  private static let rewrapBatch = 32
  private static let useBatch = 256

  /// Wraps the values of secrets again under the newest term, some at a time.
  func rewrapSecrets(_ state: UnsealedState) async {
    while true {
      let batch = state.secrets.nextToRewrap(Self.rewrapBatch)
      guard !batch.isEmpty else { return }
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
        state.secrets.giveBack(batch)
        return
      }
    }
  }

  private func rewrap(
    _ batch: [SecretPath],
    _ state: UnsealedState,
    _ transaction: any StoreTransaction,
    _ record: inout AuditRecord
  ) throws(ServiceError) -> Change<Int> {
    let keyring = try state.keyring()
    var changed: [SecretBook.Entry] = []
    var removed: [[UInt8]] = []
    for path in batch {
      guard let entry = state.secrets.entry(path) else { continue }
      var envelopes = entry.envelopes
      for version in entry.secret.versions {
        guard let envelope = entry.envelopes[version.number] else { continue }
        do {
          let context = SecretContext(entry.secret, version)
          guard let new = try keyring.rewrapSecret(envelope, context) else { continue }
          envelopes[version.number] = new
        } catch KeyringError.crypto(let error) {
          throw ServiceError(error)
        } catch {
          // One damaged version must not keep the others under an old term for good.
          logger.error(
            "Values do not open and stay as they are; run keyward fsck",
            metadata: ["secret": "\(path)", "version": "\(version.number)"]
          )
        }
      }
      let new = SecretBook.Entry(entry.secret, envelopes)
      for number in envelopes.keys where envelopes[number] != entry.envelopes[number] {
        guard let old = entry.storedVersion(number), let now = new.storedVersion(number) else {
          continue
        }
        removed.append(old.body)
        try store { try transaction.updateRecord(now, from: old) }
      }
      changed.append(new)
    }
    record.details = [.term(UInt64(keyring.currentTerm)), .count(UInt64(removed.count))]
    let entries = changed
    let change = Change(removed.count) { for entry in entries { state.secrets.put(entry) } }
    return try scrubbing(removed, isDue: state.secrets.rewrapPending == 0, transaction, change)
  }

  /// Writes down who used what last: at most some hundred secrets in one commit.
  ///
  /// It has no entry of its own, since every use has one already.
  func keepUses(_ state: UnsealedState) async {
    try? await onWritingThread { () throws(ServiceError) in
      let batch = state.secrets.uses.changed(Self.useBatch)
      guard !batch.isEmpty, let log = self.committer.currentLog() else { return }
      do {
        try self.committer.commitNow(log, durability: .auditOnly, signing: false) {
          transaction,
          _ in
          for (_, new, old) in batch {
            if let old {
              if old.body != new.body { try transaction.updateRecord(new, from: old) }
            } else {
              try transaction.insertRecord(new)
            }
          }
        }
        state.secrets.uses.stored(batch)
      } catch {
        self.logger.error("Last uses could not be written", metadata: ["error": "\(error)"])
      }
    }
  }
}
