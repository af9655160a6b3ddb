import KeywardAudit
import KeywardCrypto
import KeywardExport
package import KeywardModel
import KeywardStore
import Logging

/// The second step of an export: under its approvals the key is wrapped, the entry made durable, and
/// then it leaves.
extension KeywardService {
  /// Completes a prepared export.
  ///
  /// `request` repeats what was prepared, word for word, so that an approval, which is bound to the
  /// exact request, is bound to key, version, destination, wrapping key, algorithm and expiry. The
  /// blob leaves once entry and record are on disk: whatever happens then, the record tells that it
  /// may have left.
  package func completeExport(
    _ caller: Caller,
    _ id: ExportID,
    _ request: CompleteExportRequest
  ) async throws(ServiceError) -> ExportResult {
    let export = try await exportForUse(caller, .keyCloudExport, id)
    let operation: ServiceOperation =
      export.operation == .export ? .keyExport : .keyCloudExport
    let made = await prepared(caller, operation, .key(export.keyName)) {
      () throws(ServiceError) -> (Departure, Inventory.Lane) in
      // Taken before anything is made, and had until the end.
      guard let lane = try self.unsealed().inventory.lane(for: export) else { throw .underWay }
      return (try self.wrapped(export, request), lane)
    }
    defer { withExtendedLifetime(made) {} }
    let (sent, departure) = try await awaiting {
      (reply: @escaping @Sendable (Result<(ExportRecord, Departure), ServiceError>) -> Void) in
      self.change(
        caller,
        operation,
        .key(export.keyName),
        isOfItsResourceAlone: true,
        reply: reply
      ) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        record.details = [.export(AuditWord(id.description))]
        let departure = try made.get().0
        let (key, version) = try self.exported(export, state)
        record.used(key, version)
        guard state.inventory.export(id) == export else {
          throw ServiceError(.conflict, "The export was used by another request meanwhile.")
        }
        var sent = export
        try sent.send(
          blobSHA256: Digest.sha256(departure.blob),
          approval: record.approval,
          approvers: self.approvers(record, state),
          at: record.time
        )
        let leaving = sent
        record.details += [
          .destination(AuditWord(sent.destination)),
          .wrapping(
            algorithm: AuditWord(sent.plan.algorithm),
            key: AuditDigest(sent.fingerprint)
          ),
          .blob(AuditDigest(sent.blobSHA256)),
          .exportState(AuditWord(sent.state.rawValue)),
        ]
        let older = try self.superseded(by: leaving, state, transaction)
        try self.store { try transaction.updateRecord(leaving.stored, from: export.stored) }
        return Change((leaving, departure)) {
          state.inventory.put(leaving)
          if let older { state.inventory.put(older) }
        }
      }
    }
    guard sent.mode == .push else {
      let key = try? unsealed().directory.key(sent.key)
      return ExportResult(
        export: ExportInfo(sent, key, at: now()),
        files: departure.bundle.map {
          [ExportResult.File(name: $0.fileName, content: Base64.encode($0.contents))]
        } ?? [],
        commands: departure.bundle?.next ?? []
      )
    }
    let done = try await push(sent, departure, caller)
    return ExportResult(
      export: ExportInfo(done, try? unsealed().directory.key(done.key), at: now())
    )
  }

  /// The blob, after every check that needs no writing.
  private func wrapped(
    _ export: ExportRecord,
    _ request: CompleteExportRequest
  ) throws(ServiceError) -> Departure {
    guard request == export.completion else {
      throw ServiceError(
        .invalidRequest,
        "The request is not about what was prepared as \(export.id).",
        remedy: "See it with: keyward export show \(export.id).",
        reason: "export_mismatch"
      )
    }
    let state = try unsealed()
    guard export.state == .prepared else {
      var copy = export
      try copy.send(blobSHA256: [], approval: nil, approvers: [], at: now())
      throw ServiceError(.conflict, "The export is not prepared.")
    }
    if let end = export.parametersValidUntil, end <= now() { throw ExportRecord.parametersExpired }
    let (key, version) = try exported(export, state)
    let parameters = try SealedParameters.open(export.sealedParameters, for: export.id, state)
    let subject = ExportSubject(
      key.type,
      byteCount: key.type.isKeyPair ? nil : try state.symmetric(key, version).bytes.count
    )
    // The rules have the last word, whatever a record says.
    let cell = try ExportCraft.run { () throws(ExportRefusal) in
      try ExportRules.cell(
        parameters.provider,
        subject,
        keySpec: export.plan.keySpec,
        wrapping: parameters.algorithm,
        wrappingKeyBits: export.wrappingKeyBits ?? 0
      )
    }
    let material = try ExportCraft.material(key, version, state)
    let blob = try ExportCraft.wrap(material, cell, parameters.publicKey)
    var departure = Departure(blob: blob, parameters: parameters, cell: cell)
    if export.mode == .bundle, let name = RegistryName(export.destination) {
      departure.bundle = try ExportCraft.bundle(
        export.plan,
        try destination(name, state),
        departure,
        material,
        isNewVersion: export.renews != nil
      )
    }
    return departure
  }

  /// The key and version of an export, if they may leave still.
  func exported(
    _ export: ExportRecord,
    _ state: UnsealedState
  ) throws(ServiceError) -> (Key, KeyVersion) {
    let key = try find(export.keyName, in: state)
    guard key.id == export.key else {
      throw ServiceError(.conflict, "The key '\(key.name)' is not the one that was prepared.")
    }
    guard !key.attributes.neverExportable else { throw .neverExportable(key.name) }
    let old = export.renews.flatMap { state.inventory.export($0) }
    let version = try exportable(key, export.version, export.operation, renewing: old)
    guard key.attributes.operations.contains(export.operation) else {
      throw ServiceError(
        .keyUsage,
        "The key '\(key.name)' does not \(export.operation.rawValue)."
      )
    }
    guard export.mode != .file else { return (key, version) }
    if let allowed = key.attributes.allowedDestinations, !allowed.contains(export.destination) {
      throw ServiceError(
        .keyUsage,
        "The key '\(key.name)' may not go to '\(export.destination)'.",
        reason: "destination_not_allowed"
      )
    }
    guard let name = RegistryName(export.destination),
      state.inventory.destination(name)?.digest == export.destinationDigest
    else { throw .destinationChanged(export) }
    return (key, version)
  }

  func approvers(_ record: AuditRecord, _ state: UnsealedState) -> [Principal] {
    guard let id = record.approval else { return [] }
    return state.access.withApprovals { $0[id] }?.approvers ?? []
  }

  /// The copy that a bundle takes the place of; a push does so once it has arrived.
  func superseded(
    by export: ExportRecord,
    _ state: UnsealedState,
    _ transaction: any StoreTransaction
  ) throws(ServiceError) -> ExportRecord? {
    guard export.state == .delivered, let old = export.renews.flatMap(state.inventory.export),
      old.state != .superseded, old.state != .retired
    else { return nil }
    var older = old
    try older.supersede(by: export.id)
    let ended = older
    try store { try transaction.updateRecord(ended.stored, from: old.stored) }
    return ended
  }
}

/// What is about to leave.
struct Departure: Sendable {
  let blob: [UInt8]
  let parameters: WrappingParameters
  let cell: ExportCell
  /// The file of a bundle, which is made before anything is written down: a failure leaves no trace.
  var bundle: ExportBundle?
}

extension ExportRecord {
  /// The words that complete it.
  var completion: CompleteExportRequest {
    CompleteExportRequest(ExportInfo(self, nil, at: createdAt))
  }
}

extension ExportFailure {
  init(_ failure: CloudFailure) {
    self.init(reason: failure.code.rawValue, words: failure.words)
  }
}

extension ExportCopy {
  init(_ receipt: ImportReceipt, at now: Timestamp) {
    self.init(
      providerKeyID: receipt.providerKeyID,
      materialID: receipt.materialID,
      state: receipt.state.rawValue,
      validUntil: receipt.validUntil,
      checkedAt: now
    )
  }
}

extension ServiceError {
  static func destinationChanged(_ export: ExportRecord) -> ServiceError {
    ServiceError(
      .conflict,
      "The destination '\(export.destination)' was changed since the export was prepared.",
      remedy: export.state == .prepared
        ? "Prepare it anew." : "Put it back as it was to ask there about the copy.",
      reason: "destination_changed"
    )
  }

  static let underWay = ServiceError(
    .conflict,
    "Another export of this version, or to the same key of the provider, is under way.",
    remedy: "Run the same command again when it is through.",
    reason: "export_under_way"
  )

  static func noExport(_ id: ExportID) -> ServiceError {
    ServiceError(
      .notFound,
      "There is no export \(id).",
      remedy: "List them with: keyward export list."
    )
  }
}
