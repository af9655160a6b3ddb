import KeywardAudit
package import KeywardModel
import KeywardStore

/// The life of versions: deleted and back, and destroyed for good.
extension KeywardService {
  /// Deletes versions so that they can be undeleted; the newest without any named.
  package func deleteSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) async throws(ServiceError) -> SecretInfo {
    try await mark(caller, .secretDelete, name, request) { version, now in
      if version.destroyedAt == nil, version.deletedAt == nil { version.deletedAt = now }
    }
  }

  /// Takes deletions back.
  package func undeleteSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) async throws(ServiceError) -> SecretInfo {
    try await mark(caller, .secretUndelete, name, request) { version, _ in
      version.deletedAt = nil
    }
  }

  /// Destroys the values of versions; their history stays, and so do their numbers.
  ///
  /// With all versions destroyed, lookups pass the secret by and find what it inherits.
  package func destroySecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) async throws(ServiceError) -> SecretInfo {
    try await mark(caller, .secretDestroy, name, request) { version, now in
      if version.destroyedAt == nil { version.destroyedAt = now }
    }
  }

  private func mark(
    _ caller: Caller,
    _ operation: ServiceOperation,
    _ name: SecretName,
    _ request: SecretVersionsRequest,
    _ step: @escaping @Sendable (inout SecretVersion, Timestamp) -> Void
  ) async throws(ServiceError) -> SecretInfo {
    guard (request.versions?.count ?? 0) <= SecretLimits.versions else {
      throw ServiceError(
        .limitExceeded,
        "'versions' has more than \(SecretLimits.versions) members."
      )
    }
    guard request.all != true || request.versions == nil else {
      throw ServiceError(.invalidRequest, "'versions' does not go with 'all'.")
    }
    let path = SecretPath(try await chosenEnvironment(caller, request.environment).name, name)
    return try await awaiting { reply in
      self.change(caller, operation, .secret(path.environment, name), reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let entry = try self.existing(path, state)
        if let expected = request.expectedVersion, expected != entry.secret.latest {
          throw ServiceError(
            .conflict,
            "The secret '\(name)' in '\(path.environment)' is not at version \(expected)."
          )
        }
        let numbers =
          request.all == true
          ? entry.secret.versions.map(\.number) : request.versions ?? [entry.secret.latest]
        var secret = entry.secret
        for number in numbers {
          guard let index = secret.versions.firstIndex(where: { $0.number == number }) else {
            throw .noSecretVersion(number, of: path)
          }
          step(&secret.versions[index], record.time)
        }
        var envelopes = entry.envelopes
        var removed: [[UInt8]] = []
        var gone: [StoredRecord] = []
        for version in secret.versions where version.destroyedAt != nil {
          guard let old = entry.storedVersion(version.number) else { continue }
          envelopes[version.number] = nil
          removed.append(old.body)
          gone.append(old)
        }
        let new = SecretBook.Entry(secret, envelopes)
        let records = gone
        try self.store {
          if new.secret != entry.secret {
            try transaction.updateRecord(new.stored, from: entry.stored)
          }
          for record in records { try transaction.deleteRecord(record) }
        }
        record.details = numbers.prefix(8).map { .secret(version: UInt64($0), depth: 0) }
        let change = Change(SecretInfo(secret, at: record.time, uses: [:])) {
          state.secrets.put(new)
        }
        return try self.scrubbing(removed, transaction, change)
      }
    }
  }
}
