import KeywardAudit
package import KeywardCrypto
import KeywardKeyring
package import KeywardModel
import KeywardPolicy
import KeywardStore

/// Writing secrets: new versions by value, from an older version, or from another environment.
extension KeywardService {
  /// What makes a version, with what it is to carry.
  private struct Draft: Sendable {
    var values: SecretDraft
    var origin: SecretVersion.Origin
    var kind: SecretKind?
    var merges = false
    var expectedVersion: Int?
    var expiresIn: Int64?
    /// When the values that are taken over expire; `expiresIn` comes before it.
    var expiresAt: Timestamp?
    var metadata: [String: String]?
    var mostVersions: Int?
    var refusesReuse = false
  }

  /// Makes a new version of the values given, of values made here, or of both.
  package func putSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: PutSecretRequest,
    values: [SecretBox]
  ) async throws(ServiceError) -> SecretWritten {
    var draft = Draft(values: SecretDraft(), origin: .written, kind: request.kind)
    guard request.fields.count == values.count else {
      throw ServiceError(.invalidRequest, "There is not one value for each field.")
    }
    for (field, value) in zip(request.fields, values) {
      try draft.values.put(try WireText.fieldName(field.name), value)
    }
    draft.merges = request.merge ?? false
    draft.expectedVersion = request.expectedVersion
    draft.expiresIn = request.expiresIn
    draft.metadata = request.metadata
    draft.mostVersions = request.mostVersions
    draft.refusesReuse = request.refuseReuse ?? false
    try WireText.metadata(request.metadata ?? [:])
    guard (1...SecretLimits.versions).contains(request.mostVersions ?? 1) else {
      throw ServiceError(
        .invalidRequest,
        "'max_versions' is not within 1 and \(SecretLimits.versions)."
      )
    }
    guard (1...3_153_600_000).contains(request.expiresIn ?? 1) else {
      throw ServiceError(.invalidRequest, "'expires_in' is not within 1 second and 100 years.")
    }
    let path = SecretPath(try await chosenEnvironment(caller, request.environment).name, name)
    let wanted = request.generate ?? []
    guard wanted.count <= SecretLimits.fields else {
      throw ServiceError(.limitExceeded, "A secret has at most \(SecretLimits.fields) fields.")
    }
    guard !wanted.isEmpty else { return try await write(caller, path, draft) }
    if values.isEmpty { draft.origin = .generated }
    let made = await prepared(caller, .secretWrite, .secret(path.environment, name)) {
      () throws(ServiceError) in
      try SecretGenerator.make(wanted)
    }
    let given = draft
    return try await write(caller, path, given) { draft throws(ServiceError) in
      for (field, value) in try made.get() { try draft.put(field, value) }
    }
  }

  /// Makes a new version with the values of an older one.
  package func rollbackSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: SecretVersionsRequest
  ) async throws(ServiceError) -> SecretWritten {
    guard let number = request.versions?.first, request.versions?.count == 1, request.all != true
    else {
      throw ServiceError(
        .invalidRequest,
        "A rollback names one version.",
        remedy: "See them with: keyward secret history \(name)."
      )
    }
    let path = SecretPath(try await chosenEnvironment(caller, request.environment).name, name)
    let draft = Draft(
      values: SecretDraft(),
      origin: .rollback,
      expectedVersion: request.expectedVersion
    )
    return try await awaiting { reply in
      self.change(
        caller,
        .secretWrite,
        .secret(path.environment, name),
        reply: reply
      ) { _, state, transaction, record throws(ServiceError) in
        let entry = try self.existing(path, state)
        let version = try self.usable(number, of: entry, at: record.time)
        var copy = draft
        copy.kind = version.kind
        copy.expiresAt = version.expiresAt
        let opened = try SecretValues(opening: entry, version, try state.keyring())
        try copy.values.merge(version, opened)
        return try self.add(copy, to: path, state, transaction, &record)
      }
    }
  }

  /// Copies a version from one environment to another; the values do not leave the server.
  ///
  /// It is a read there and a write here: policy is asked about both, and each has its entry.
  package func promoteSecret(
    _ caller: Caller,
    _ name: SecretName,
    _ request: PromoteSecretRequest
  ) async throws(ServiceError) -> SecretWritten {
    let from = try WireText.environmentName(request.from)
    let to = try WireText.environmentName(request.to)
    guard from != to else {
      throw ServiceError(.invalidRequest, "'from' and 'to' are one environment.")
    }
    var reference = "kw://\(name)"
    if let version = request.version { reference += "?version=\(version)" }
    let parsed: SecretReference
    do { parsed = try SecretReference(reference, form: .fieldOrWhole) } catch {
      throw ServiceError(.invalidRequest, "'version' is no number of a version.")
    }
    let target = SecretPath(to, name)
    let question = PolicyRequest(caller, .secretWrite, .secret(to, name), time: now())
    guard policy.isAllowed(question) else {
      // Nothing is read for who may not write: the write itself refuses, with its entry.
      return try await write(caller, target, Draft(values: SecretDraft(), origin: .promoted))
    }
    let read = try await readSecret(caller, parsed, environment: from.description)
    var draft = Draft(
      values: SecretDraft(),
      origin: .promoted,
      expectedVersion: request.expectedVersion
    )
    draft.kind = read.head.results.first?.kind
    draft.expiresAt = read.head.results.first?.expiresAt.flatMap { Timestamp(rfc3339: $0) }
    let fields = read.head.results.flatMap(\.values)
    for (field, value) in zip(fields, read.values) {
      try draft.values.put(try WireText.fieldName(field.field), value)
    }
    return try await write(caller, target, draft)
  }

  // MARK: - Steps

  private func write(
    _ caller: Caller,
    _ path: SecretPath,
    _ draft: Draft,
    adding: @escaping @Sendable (inout SecretDraft) throws(ServiceError) -> Void = { _ in }
  ) async throws(ServiceError) -> SecretWritten {
    try await awaiting { reply in
      self.change(
        caller,
        .secretWrite,
        .secret(path.environment, path.name),
        reply: reply
      ) { _, state, transaction, record throws(ServiceError) in
        var draft = draft
        try adding(&draft.values)
        return try self.add(draft, to: path, state, transaction, &record)
      }
    }
  }

  /// Adds a version; on the writing thread, so that check-and-set compares with what is there.
  private func add(
    _ draft: Draft,
    to path: SecretPath,
    _ state: UnsealedState,
    _ transaction: any StoreTransaction,
    _ record: inout AuditRecord
  ) throws(ServiceError) -> Change<SecretWritten> {
    guard state.secrets.tree[path.environment] != nil else {
      throw .noEnvironment(path.environment)
    }
    let entry = state.secrets.entry(path)
    let latest = entry?.secret.latest ?? 0
    if let expected = draft.expectedVersion, expected != latest {
      throw ServiceError(
        .conflict,
        "The secret '\(path.name)' in '\(path.environment)' is not at version \(expected).",
        remedy: "Look at it again with: keyward secret show \(path.name) --env \(path.environment)."
      )
    }
    guard latest < Int(Int32.max) else {
      throw ServiceError(.limitExceeded, "The secret has no number left for a version.")
    }
    let keyring = try state.keyring()
    var values = draft.values
    var expiresAt = draft.expiresAt
    if draft.merges, let entry, let newest = entry.secret.newest {
      let version = try usable(newest.number, of: entry, at: record.time)
      try values.merge(version, try SecretValues(opening: entry, version, keyring))
      expiresAt = version.expiresAt
    }
    if let seconds = draft.expiresIn { expiresAt = record.time.adding(seconds: seconds) }
    guard expiresAt.map({ $0 > record.time }) ?? true else {
      throw ServiceError(
        .keyState,
        "The values to take over expired at \(expiresAt?.rfc3339 ?? "").",
        remedy: "Write them anew with: keyward secret put \(path.name) --expires DURATION."
      )
    }
    try values.checkLimits()
    let kind = draft.kind ?? entry?.secret.kind ?? .generic
    try SecretForm.check(kind, values)
    let version = SecretVersion(
      number: latest + 1,
      createdAt: record.time,
      author: record.caller.principal.author,
      origin: draft.origin,
      kind: kind,
      fields: try values.fields(path, try fingerprintKey(state)),
      expiresAt: expiresAt
    )
    let mayRead = maySee(
      record.caller,
      .secretRead,
      .secret(path.environment, path.name),
      state,
      at: record.time
    )
    // A rollback is a value of before on purpose. Who may not read learns nothing by guessing.
    let reused =
      mayRead && draft.origin != .rollback ? self.reused(version, entry?.secret) : []
    if draft.refusesReuse {
      guard mayRead else {
        throw ServiceError(
          .forbidden,
          "To refuse values of before takes secret:read: the answer tells of them."
        )
      }
      guard reused.isEmpty else {
        throw ServiceError(
          .conflict,
          "A value was there before: \(reused.joined(separator: ", ")).",
          remedy: "Choose a new value, or leave out --refuse-reuse."
        )
      }
    }
    var secret: Secret
    if let entry {
      secret = entry.secret
    } else {
      secret = try makeSecret(path, kind, at: record.time)
    }
    secret.kind = kind
    if let metadata = draft.metadata { secret.metadata = metadata }
    if let most = draft.mostVersions {
      try checkKeeping(most, of: entry?.secret, state, record)
      secret.mostVersions = most
    }
    secret.versions.append(version)
    secret.latest = version.number
    let gone = Array(secret.versions.dropLast(secret.mostVersions))
    secret.versions.removeFirst(gone.count)
    let envelope = try wrap(values, secret, version, keyring)
    var envelopes = entry?.envelopes ?? [:]
    for old in gone { envelopes[old.number] = nil }
    envelopes[version.number] = envelope
    let new = SecretBook.Entry(secret, envelopes)
    try state.secrets.checkRoom(for: new, over: entry)
    let dropped = gone.compactMap { entry?.storedVersion($0.number) }
    try store {
      if let entry {
        try transaction.updateRecord(new.stored, from: entry.stored)
        for old in dropped { try transaction.deleteRecord(old) }
      } else {
        try transaction.insertRecord(new.stored)
      }
      if let added = new.storedVersion(version.number) { try transaction.insertRecord(added) }
    }
    record.details = [.secret(version: UInt64(version.number), depth: 0)]
    if !dropped.isEmpty { record.details.append(.count(UInt64(dropped.count))) }
    let written = SecretWritten(secret: SecretInfo(secret, at: record.time), reused: reused)
    // A lower maximum destroys. What grows out of its place in due course does not: scrubbing reads the
    // whole file, which each write of a secret that is full would do.
    let isDestroying = secret.mostVersions < entry?.secret.mostVersions ?? 0
    let change = Change(written) { state.secrets.put(new) }
    return try scrubbing(isDestroying ? dropped.map(\.body) : [], transaction, change)
  }

  /// Refuses a lower maximum from who may not destroy: with it, a few writes push out all that was.
  private func checkKeeping(
    _ most: Int,
    of secret: Secret?,
    _ state: UnsealedState,
    _ record: AuditRecord
  ) throws(ServiceError) {
    guard let secret, most < secret.mostVersions else { return }
    guard maySee(record.caller, .secretDestroy, record.resource, state, at: record.time) else {
      throw ServiceError(
        .forbidden,
        "To keep fewer versions than \(secret.mostVersions) takes secret:destroy: older values go for good.",
        remedy: "Leave out --max-versions, or ask somebody who may destroy versions."
      )
    }
  }

  private func makeSecret(
    _ path: SecretPath,
    _ kind: SecretKind,
    at now: Timestamp
  ) throws(ServiceError) -> Secret {
    guard let id = SecretID(random: try random(16)) else {
      throw ServiceError(.internalError, "No identity could be made.")
    }
    return Secret(
      id: id,
      environment: path.environment,
      name: path.name,
      kind: kind,
      createdAt: now
    )
  }

  private func wrap(
    _ values: SecretDraft,
    _ secret: Secret,
    _ version: SecretVersion,
    _ keyring: Keyring
  ) throws(ServiceError) -> [UInt8] {
    do {
      return try keyring.wrapSecret(try values.joined(), SecretContext(secret, version))
    } catch let error as CryptoError {
      throw ServiceError(error)
    } catch let error as KeyringError {
      throw ServiceError(error)
    } catch {
      throw ServiceError(.internalError, "The values could not be wrapped.")
    }
  }

  private func fingerprintKey(_ state: UnsealedState) throws(ServiceError) -> HMACKey {
    do {
      return try HMACKey(
        .sha256,
        key: try state.rootKey().subkey(.secretFingerprint).bytes
      )
    } catch let error as KeyringError {
      throw ServiceError(error)
    } catch let error as ServiceError {
      throw error
    } catch {
      throw ServiceError(.internalError, "A key could not be derived.")
    }
  }

  /// Fields with a value that an older version had, and the newest has not.
  private func reused(_ version: SecretVersion, _ secret: Secret?) -> [String] {
    guard let secret else { return [] }
    return version.fields.compactMap { field in
      let matches = secret.versions.filter { old in
        old.fields.contains { $0.name == field.name && $0.fingerprint == field.fingerprint }
      }
      guard let match = matches.last, match.number != secret.newest?.number else { return nil }
      return "\(field.name) (version \(match.number))"
    }
  }

  func existing(
    _ path: SecretPath,
    _ state: UnsealedState
  ) throws(ServiceError) -> SecretBook.Entry {
    guard let entry = state.secrets.entry(path) else { throw .noSecret(path) }
    return entry
  }

  /// A version whose values may be used; throws what it is instead.
  private func usable(
    _ number: Int,
    of entry: SecretBook.Entry,
    at now: Timestamp
  ) throws(ServiceError) -> SecretVersion {
    guard let version = entry.secret.version(number) else {
      throw .noSecretVersion(number, of: entry.secret.path)
    }
    guard version.destroyedAt == nil, version.deletedAt == nil else {
      throw ServiceError(
        .keyState,
        "Version \(number) of '\(entry.secret.path)' is \(version.state(at: now).rawValue).",
        remedy: "Undelete it first, if it is only deleted."
      )
    }
    return version
  }
}

extension Principal {
  /// Who it is, as histories spell it: the issuer and the name.
  package var author: String { "\(issuer)/\(name)" }
}
