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
    let made = await prepared(caller, operation, .key(export.keyName)) { () throws(ServiceError) in
      try self.wrapped(export, request)
    }
    let (sent, departure) = try await awaiting {
      (reply: @escaping @Sendable (Result<(ExportRecord, Departure), ServiceError>) -> Void) in
      self.change(caller, operation, .key(export.keyName), reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        record.details = [.export(AuditWord(id.description))]
        let departure = try made.get()
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
    else {
      throw ServiceError(
        .conflict,
        "The destination '\(export.destination)' was changed since the export was prepared.",
        remedy: "Prepare it anew.",
        reason: "destination_changed"
      )
    }
    return (key, version)
  }

  func approvers(_ record: AuditRecord, _ state: UnsealedState) -> [Principal] {
    guard let id = record.approval else { return [] }
    return state.access.withApprovals { $0[id] }?.approvers ?? []
  }

  /// The copy that a bundle takes the place of; a push does so once it has arrived.
  private func superseded(
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

/// The exchange with the provider; each thing that is learned is a record and an entry of its own.
extension KeywardService {
  /// Hands the blob over, once, then proves the copy.
  private func push(
    _ export: ExportRecord,
    _ departure: Departure,
    _ caller: Caller
  ) async throws(ServiceError) -> ExportRecord {
    let state = try unsealed()
    guard state.inventory.begin(export.id) else {
      throw ServiceError(.conflict, "The export is under way.")
    }
    defer { state.inventory.end(export.id) }
    let (cloud, session, plan) = try way(export, departure.cell.wrappingKeyBits, state)
    let receipt: ImportReceipt
    do throws(CloudFailure) {
      receipt = try await cloud.deliver(departure.blob, plan, departure.parameters, session)
    } catch {
      let failure = ExportFailure(error)
      let mayHaveArrived = error.mayHaveActed
      let words = ServiceError(error)
      _ = try await note(export.id, caller) { (export: inout ExportRecord) throws(ServiceError) in
        if mayHaveArrived { try export.leaveOpen(failure) } else { try export.fail(failure) }
      }
      throw ServiceError(
        words.code,
        words.message,
        remedy: mayHaveArrived
          ? "It may have arrived all the same. Find out with: keyward export resume \(export.id)."
          : [words.remedy, "Nothing arrived. Run the same command again for another try."]
            .compactMap { $0 }.joined(separator: " "),
        reason: words.reason
      )
    }
    let copy = ExportCopy(receipt, at: now())
    let delivered = try await note(export.id, caller) {
      (export: inout ExportRecord) throws(ServiceError) in
      try export.deliver(copy)
    }
    return await proved(delivered, receipt, plan, cloud, session, caller)
  }

  /// What the proof says, written down; a proof that could not be made leaves the export delivered.
  func proved(
    _ export: ExportRecord,
    _ receipt: ImportReceipt,
    _ plan: CloudPlan,
    _ cloud: any CloudDestination,
    _ session: CloudSession,
    _ caller: Caller
  ) async -> ExportRecord {
    guard let state = try? unsealed(), let key = state.directory.key(export.key),
      let version = key.version(export.version)
    else { return export }
    let outcome: ProofResult
    do throws(CloudFailure) {
      outcome = try await cloud.prove(
        receipt,
        plan,
        KeyProofMaterial(state, key, version),
        session
      )
    } catch {
      outcome = .notProvable(error.words)
    }
    let proof =
      switch outcome {
      case .proved(let by): ExportProof(.proved, detail: by, at: now())
      case .contradicted(let words): ExportProof(.contradicted, detail: words, at: now())
      case .notProvable(let words): ExportProof(.notProvable, detail: words, at: now())
      }
    do throws(ServiceError) {
      return try await note(export.id, caller) {
        (export: inout ExportRecord) throws(ServiceError) in
        try export.prove(proof)
      }
    } catch {
      logger.error("A proof could not be kept", metadata: ["error": "\(error)"])
      return export
    }
  }

  /// The way to the provider of an export, with the plan in its words.
  func way(
    _ export: ExportRecord,
    _ bits: Int,
    _ state: UnsealedState
  ) throws(ServiceError) -> (any CloudDestination, CloudSession, CloudPlan) {
    guard let exporter, let name = RegistryName(export.destination),
      var plan = export.plan.cloud(bits: bits)
    else { throw .noWayOut }
    let destination = try destination(name, state)
    if !export.target.isEmpty { plan.providerKeyID = export.target }
    let time = time
    do throws(CloudFailure) {
      let (cloud, session) = try exporter.open(destination) { time.now() }
      return (cloud, session, plan)
    } catch {
      throw ServiceError(error)
    }
  }

  /// Writes down what came of an export, by the server itself: the caller's right was asked before.
  func note(
    _ id: ExportID,
    _ caller: Caller,
    _ event: @escaping @Sendable (inout ExportRecord) throws(ServiceError) -> Void
  ) async throws(ServiceError) -> ExportRecord {
    let server = Caller(
      principal: .server,
      transport: .server,
      requestID: caller.requestID
    )
    let name = try record(id).keyName
    return try await awaiting { reply in
      self.change(server, .exportRecord, .key(name), reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        guard let old = state.inventory.export(id) else { throw .noExport(id) }
        record.key = old.key
        record.version = old.version
        var new = old
        try event(&new)
        let noted = new
        record.details = [
          .export(AuditWord(id.description)), .destination(AuditWord(noted.destination)),
          .exportState(AuditWord(noted.state.rawValue)),
        ]
        if let copy = noted.copy {
          record.details.append(
            .copy(key: AuditName(copy.providerKeyID), material: copy.materialID.map(AuditName.init))
          )
          if let end = copy.validUntil {
            record.details.append(.due(UInt64(clamping: end.milliseconds)))
          }
        }
        if let failure = noted.failure, noted.state == .failed || noted.state == .sending {
          record.rule = failure.reason
        }
        let older =
          old.state == .sending && noted.state == .delivered
          ? try self.superseded(by: noted, state, transaction) : nil
        try self.store { try transaction.updateRecord(noted.stored, from: old.stored) }
        return Change(noted) {
          state.inventory.put(noted)
          if let older { state.inventory.put(older) }
        }
      }
    }
  }

  func record(_ id: ExportID) throws(ServiceError) -> ExportRecord {
    guard let export = try unsealed().inventory.export(id) else { throw .noExport(id) }
    return export
  }

  /// The record of an export that a caller names; one that is not there is refused with an entry.
  func exportForUse(
    _ caller: Caller,
    _ operation: ServiceOperation,
    _ id: ExportID
  ) async throws(ServiceError) -> ExportRecord {
    if let export = try? unsealed().inventory.export(id) { return export }
    return try await awaiting { reply in
      self.answer(caller, operation, .exports, reply: reply) {
        _,
        state,
        _ throws(ServiceError) in
        guard let export = state.inventory.export(id) else { throw .noExport(id) }
        return export
      }
    }
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
  static func noExport(_ id: ExportID) -> ServiceError {
    ServiceError(
      .notFound,
      "There is no export \(id).",
      remedy: "List them with: keyward export list."
    )
  }
}
