import KeywardAudit
import KeywardExport
package import KeywardModel
import KeywardPolicy
import KeywardStore
import Logging

/// Where each copy of a key is, and what is known of it.
extension KeywardService {
  /// The exports that the caller may see, newest first, and no hint of others.
  package func listExports(
    _ caller: Caller,
    _ query: ExportFilter
  ) async throws(ServiceError) -> ExportPage {
    let cursor = query.cursor.flatMap { ExportID($0) }
    guard query.cursor == nil || cursor != nil else {
      throw ServiceError(.invalidRequest, "The query parameter 'cursor' is not of a page before.")
    }
    let wanted = query.state.flatMap { ExportRecord.State(rawValue: $0) }
    guard query.state == nil || wanted != nil else {
      throw ServiceError(
        .invalidRequest,
        "The state is unknown.",
        remedy: "Use one of: "
          + ExportRecord.State.allCases.map(\.rawValue).joined(separator: ", ") + "."
      )
    }
    return try await awaiting { reply in
      self.answer(caller, .exportList, .exports, reply: reply) { _, state, record in
        let time = record.time
        let policy = state.policy.compiled
        var seen: [KeyName: Bool] = [:]
        let all = state.inventory.exports.filter { export in
          guard query.key == nil || query.key == export.keyName,
            query.destination == nil || query.destination == export.destination,
            wanted == nil || wanted == export.state,
            !query.onlyWarnings || ExportWarning(export, at: time) != nil
          else { return false }
          if let known = seen[export.keyName] { return known }
          let decision = policy.decide(
            PolicyRequest(caller, .exportShow, .key(export.keyName), time: time)
          )
          let maySee = decision.isAllowed && decision.approvals.isEmpty
          seen[export.keyName] = maySee
          return maySee
        }
        let start = cursor.flatMap { cursor in
          all.firstIndex { $0.id == cursor }.map { $0 + 1 }
        }
        let page = all[(start ?? 0)...].prefix(query.limit)
        let isLast = (start ?? 0) + page.count >= all.count
        return ExportPage(
          exports: page.map { ExportInfo($0, state.directory.key($0.key), at: time) },
          nextCursor: isLast ? nil : page.last?.id.description
        )
      }
    }
  }

  package func showExport(
    _ caller: Caller,
    _ id: ExportID
  ) async throws(ServiceError) -> ExportInfo {
    let export = try await exportForUse(caller, .exportShow, id)
    return try await awaiting { reply in
      self.answer(caller, .exportShow, .key(export.keyName), reply: reply) {
        _,
        state,
        record throws(ServiceError) in
        guard let export = state.inventory.export(id) else { throw .noExport(id) }
        record.details = [.export(AuditWord(id.description))]
        return ExportInfo(export, state.directory.key(export.key), at: record.time)
      }
    }
  }

  /// Asks the provider how the copy is, and compares it with the key.
  package func verifyExport(
    _ caller: Caller,
    _ id: ExportID
  ) async throws(ServiceError) -> ExportInfo {
    let export = try await permitted(caller, .exportVerify, id)
    guard [.delivered, .proved, .contradicted].contains(export.state) else {
      throw ServiceError(
        .conflict,
        "The export is \(export.state.rawValue): there is no copy to verify.",
        remedy: export.state == .sending ? "Use: keyward export resume \(id)." : nil
      )
    }
    let state = try unsealed()
    let way = try self.way(export, export.wrappingKeyBits ?? 0, state)
    var receipt = export.receipt
    let status = try await status(of: receipt, way)
    // A proof asks for what is in use now, not for what was when the receipt was written.
    receipt.state = status.state
    let copy = ExportCopy(
      providerKeyID: receipt.providerKeyID,
      // The material that is current may be another's.
      materialID: receipt.materialID,
      state: status.state.rawValue,
      validUntil: status.validUntil,
      checkedAt: now()
    )
    let isGone = status.state == .gone
    let looked = try await note(id, caller) { (export: inout ExportRecord) throws(ServiceError) in
      try export.look(copy, isGone: isGone)
    }
    let done = isGone ? looked : await proved(looked, receipt, way, caller)
    return ExportInfo(done, state.directory.key(done.key), at: now())
  }

  /// Finds out what became of an export whose exchange broke off, and brings it to an end if what is
  /// seen at the provider says which; else it stays open, with the reason.
  ///
  /// Nothing is sent: a token that may be spent is never used again.
  package func resumeExport(
    _ caller: Caller,
    _ id: ExportID
  ) async throws(ServiceError) -> ExportInfo {
    let export = try await permitted(caller, .exportResume, id)
    guard export.state == .sending, let sentAt = export.sentAt else {
      throw ServiceError(
        .conflict,
        "The export is \(export.state.rawValue): there is nothing to find out.",
        remedy: export.state == .prepared
          ? "Complete it: run the export command again." : nil
      )
    }
    let state = try unsealed()
    guard let lane = state.inventory.lane(for: export) else { throw .underWay }
    defer { withExtendedLifetime(lane) {} }
    guard let key = state.directory.key(export.key), let version = key.version(export.version)
    else {
      throw ServiceError(.conflict, "The key of the export is gone, so nothing can be compared.")
    }
    let way = try self.way(export, export.wrappingKeyBits ?? 0, state)
    let sent = SentImport(
      plan: way.plan,
      parameters: try SealedParameters.open(export.sealedParameters, for: id, state),
      sentAt: sentAt,
      others: state.inventory.copies(besides: export)
    )
    let arrival: ImportArrival
    do throws(CloudFailure) {
      arrival = try await way.cloud.arrival(
        of: sent,
        KeyProofMaterial(state, key, version),
        way.session
      )
    } catch {
      throw ServiceError(error)
    }
    switch arrival {
    case .arrived(let receipt):
      let done = try await delivered(export, receipt, way, caller)
      return ExportInfo(done, key, at: now())
    case .absent(let words):
      let failure = ExportFailure(reason: "not_arrived", words: "It did not arrive: \(words).")
      let failed = try await note(id, caller) { (export: inout ExportRecord) throws(ServiceError) in
        try export.fail(failure)
      }
      return ExportInfo(failed, key, at: now())
    case .unknown(let words, let remedy):
      let open = ExportFailure(
        reason: "arrival_unknown",
        words: "Whether it arrived cannot be told: \(words)."
      )
      _ = try await note(id, caller) { (export: inout ExportRecord) throws(ServiceError) in
        try export.leaveOpen(open)
      }
      throw ServiceError(.destinationFailed, open.words, remedy: remedy, reason: open.reason)
    }
  }

  /// Takes a copy out of those that hold its key back: somebody says that it is gone.
  package func retireExport(
    _ caller: Caller,
    _ id: ExportID
  ) async throws(ServiceError) -> ExportInfo {
    let export = try await exportForUse(caller, .exportRetire, id)
    return try await awaiting { reply in
      self.change(caller, .exportRetire, .key(export.keyName), reply: reply) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        guard let old = state.inventory.export(id) else { throw .noExport(id) }
        record.key = old.key
        record.version = old.version
        var new = old
        try new.retire()
        let retired = new
        record.details = [
          .export(AuditWord(id.description)), .exportState(AuditWord(retired.state.rawValue)),
        ]
        try self.store { try transaction.updateRecord(retired.stored, from: old.stored) }
        return Change(ExportInfo(retired, state.directory.key(retired.key), at: record.time)) {
          state.inventory.put(retired)
        }
      }
    }
  }

  /// Authorizes an operation on an export, with its entry, and gives the record.
  private func permitted(
    _ caller: Caller,
    _ operation: ServiceOperation,
    _ id: ExportID
  ) async throws(ServiceError) -> ExportRecord {
    let export = try await exportForUse(caller, operation, id)
    return try await awaiting { reply in
      self.answer(caller, operation, .key(export.keyName), reply: reply) {
        _,
        state,
        record throws(ServiceError) in
        guard let export = state.inventory.export(id) else { throw .noExport(id) }
        record.key = export.key
        record.version = export.version
        record.details = [
          .export(AuditWord(id.description)), .destination(AuditWord(export.destination)),
        ]
        return export
      }
    }
  }

  private func status(
    of receipt: ImportReceipt,
    _ way: CloudWay
  ) async throws(ServiceError) -> CloudKeyStatus {
    do throws(CloudFailure) {
      return try await way.cloud.status(of: receipt, way.session)
    } catch {
      if error.code == .notFound { return CloudKeyStatus(.gone, detail: error.words) }
      throw ServiceError(error)
    }
  }

  // MARK: - Time

  /// Ends what came to its end, and says once in the log what is near it.
  func watchExports(_ state: UnsealedState, at now: Timestamp) async {
    for (export, warning) in state.inventory.newWarnings(at: now) {
      logger.warning(
        "An export nears its end or is over",
        metadata: [
          "export": "\(export.id)", "key": "\(export.keyName)",
          "destination": "\(export.destination)", "warning": "\(warning.rawValue)",
        ]
      )
    }
    let due = state.inventory.exports.filter { export in
      var copy = export
      return copy.expire(at: now)
    }
    let server = Caller(principal: .server, transport: .server, requestID: "exports")
    for export in due.prefix(100) {
      _ = try? await note(export.id, server) { export in _ = export.expire(at: now) }
    }
  }

  /// How many exports there are by state, and how many near their end by warning.
  package func exportFigures() -> (states: [String: Int], warnings: [String: Int])? {
    guard let state = try? unsealed() else { return nil }
    let now = now()
    var states: [String: Int] = [:]
    var warnings: [String: Int] = [:]
    for export in state.inventory.exports {
      states[export.state.rawValue, default: 0] += 1
      if let warning = ExportWarning(export, at: now) {
        warnings[warning.rawValue, default: 0] += 1
      }
    }
    return (states, warnings)
  }
}

extension ExportRecord {
  /// What the provider is asked about.
  var receipt: ImportReceipt {
    ImportReceipt(
      providerKeyID: copy?.providerKeyID ?? target,
      materialID: copy?.materialID,
      state: copy.flatMap { CloudKeyStatus.State(rawValue: $0.state) } ?? .pendingImport,
      validUntil: copy?.validUntil
    )
  }
}
