import KeywardAudit
import KeywardCrypto
package import KeywardModel
import KeywardStore

/// Wrapping keys for imports: made here, used once, destroyed.
extension KeywardService {
  /// Makes a wrapping key that one import of `name` can use; the key of that name need not exist.
  package func makeWrappingKey(
    _ caller: Caller,
    name: KeyName,
    _ request: WrappingKeyRequest
  ) async throws(ServiceError) -> WrappingKeyInfo {
    let (type, ttl) = try request.parsed()
    let made = await prepared(caller, .keyImport, .key(name)) {
      () throws(ServiceError) -> PrivateKey in
      try self.unsealed().importKeys.checkRoom(
        for: name,
        of: caller.principal,
        at: self.now()
      )
      return try Schemes.run { () throws(CryptoError) in
        guard let algorithm = AsymmetricAlgorithm(type) else { throw .invalidInput("the type") }
        return try PrivateKey.generate(algorithm)
      }
    }
    return try await awaiting { reply in
      self.change(caller, .keyImport, .key(name), reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let pair = try made.get()
        try state.importKeys.checkRoom(for: name, of: caller.principal, at: record.time)
        let key = try ImportKeyRecord(
          pair,
          type,
          id: self.newIdentifier(),
          name: name,
          requester: caller.principal,
          createdAt: record.time,
          expiresAt: record.time.adding(seconds: ttl),
          state
        )
        if let existing = state.directory.key(named: name) { record.used(existing, nil) }
        record.details = [
          .wrapping(algorithm: AuditWord(type.rawValue), key: AuditDigest(key.fingerprint)),
          .due(UInt64(clamping: key.expiresAt.milliseconds)),
        ]
        try self.store { try transaction.insertRecord(key.stored) }
        return Change(WrappingKeyInfo(key)) { state.importKeys.put(key) }
      }
    }
  }

  /// Destroys a wrapping key before its time, by the name that it was fetched for and its id.
  package func discardWrappingKey(
    _ caller: Caller,
    name: KeyName,
    _ id: WrappingKeyID
  ) async throws(ServiceError) -> WrappingKeyInfo {
    try await awaiting { reply in
      self.change(caller, .keyDiscardWrappingKey, .key(name), reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        if let existing = state.directory.key(named: name) { record.used(existing, nil) }
        guard let key = state.importKeys[id], key.name == name else {
          throw .noWrappingKey(for: name)
        }
        record.details = [
          .wrapping(algorithm: AuditWord(key.type.rawValue), key: AuditDigest(key.fingerprint))
        ]
        return try self.ending([key], transaction, state, after: Change(WrappingKeyInfo(key)) {})
      }
    }
  }

  /// The change after which these wrapping keys are gone, from memory, store and files.
  func ending<Answer>(
    _ keys: [ImportKeyRecord],
    _ transaction: any StoreTransaction,
    _ state: UnsealedState,
    after change: Change<Answer>
  ) throws(ServiceError) -> Change<Answer> {
    try store { for key in keys { try transaction.deleteRecord(key.stored) } }
    let shown = Change(outcome: change.outcome) {
      change.apply()
      state.importKeys.remove(keys)
    }
    return try scrubbing(keys.map(\.sealedPrivateKey), transaction, shown)
  }
}
