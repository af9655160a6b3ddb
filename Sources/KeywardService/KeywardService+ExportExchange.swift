import KeywardAudit
import KeywardExport
import KeywardModel
import KeywardStore
import Logging

/// The way to the provider of one export: through whom, by which session, and the plan in its words.
struct CloudWay {
  let cloud: any CloudDestination
  let session: CloudSession
  let plan: CloudPlan
}

/// The exchange with the provider; each thing that is learned is a record and an entry of its own.
extension KeywardService {
  /// Hands the blob over, once, then proves the copy.
  func push(
    _ export: ExportRecord,
    _ departure: Departure,
    _ caller: Caller
  ) async throws(ServiceError) -> ExportRecord {
    let state = try unsealed()
    let way: CloudWay
    do throws(ServiceError) {
      way = try self.way(
        export,
        departure.cell.wrappingKeyBits,
        state,
        isBoundToAllWords: true
      )
    } catch {
      // Nothing was sent, and nothing will be.
      let failure = ExportFailure(reason: error.reason ?? error.code.rawValue, words: error.message)
      _ = try await note(export.id, caller) { (export: inout ExportRecord) throws(ServiceError) in
        try export.fail(failure)
      }
      throw error
    }
    let receipt: ImportReceipt
    do throws(CloudFailure) {
      receipt = try await way.cloud.deliver(
        departure.blob,
        way.plan,
        departure.parameters,
        way.session
      )
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
    return try await delivered(export, receipt, way, caller)
  }

  /// An import that arrived, written down, then its proof; at once with it if no proof can be made.
  func delivered(
    _ export: ExportRecord,
    _ receipt: ImportReceipt,
    _ way: CloudWay,
    _ caller: Caller
  ) async throws(ServiceError) -> ExportRecord {
    let copy = ExportCopy(receipt, at: now())
    let noProof = way.cloud.reasonNotProvable(receipt, way.plan).map {
      ExportProof(.notProvable, detail: $0, at: now())
    }
    let delivered = try await note(export.id, caller) {
      (export: inout ExportRecord) throws(ServiceError) in
      try export.deliver(copy)
      if let noProof { try export.prove(noProof) }
    }
    guard noProof == nil else { return delivered }
    return await proved(delivered, receipt, way, caller)
  }

  /// What the proof says, written down; a proof that could not be made leaves the export delivered.
  func proved(
    _ export: ExportRecord,
    _ receipt: ImportReceipt,
    _ way: CloudWay,
    _ caller: Caller
  ) async -> ExportRecord {
    guard let state = try? unsealed(), let key = state.directory.key(export.key),
      let version = key.version(export.version)
    else { return export }
    let outcome: ProofResult
    do throws(CloudFailure) {
      outcome = try await way.cloud.prove(
        receipt,
        way.plan,
        KeyProofMaterial(state, key, version),
        way.session
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
  ///
  /// It leads to where the export was prepared for and nowhere else; a blob leaves only if no word of
  /// the destination was changed since.
  func way(
    _ export: ExportRecord,
    _ bits: Int,
    _ state: UnsealedState,
    isBoundToAllWords: Bool = false
  ) throws(ServiceError) -> CloudWay {
    guard let exporter, let name = RegistryName(export.destination),
      var plan = export.plan.cloud(bits: bits)
    else { throw .noWayOut }
    let destination = try destination(name, state)
    let isSame =
      isBoundToAllWords
      ? destination.digest == export.destinationDigest
      : destination.isPlace(of: export.destinationDigest)
    guard isSame else { throw .destinationChanged(export) }
    plan.marker = export.id.description
    if !export.target.isEmpty { plan.providerKeyID = export.target }
    let time = time
    do throws(CloudFailure) {
      let (cloud, session) = try exporter.open(destination) { time.now() }
      return CloudWay(cloud: cloud, session: session, plan: plan)
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
      self.change(
        server,
        .exportRecord,
        .key(name),
        isOfItsResourceAlone: true,
        reply: reply
      ) {
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
