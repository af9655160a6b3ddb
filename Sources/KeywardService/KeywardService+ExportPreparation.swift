import KeywardAudit
import KeywardCrypto
import KeywardExport
package import KeywardModel
import KeywardPolicy
import KeywardStore
import Logging

/// The first step of an export: what may go where, and the wrapping key for it.
extension KeywardService {
  /// Prepares an export: policy, rules, then the provider's wrapping key; no key byte is touched
  /// beyond its length.
  ///
  /// The same request of the same caller finds the export that it made before, as long as that one
  /// waits: what was approved meanwhile stays approved.
  package func prepareExport(
    _ caller: Caller,
    _ request: PrepareExportRequest
  ) async throws(ServiceError) -> ExportInfo {
    let wanted = try WantedExport(request)
    return try await prepare(caller, .exportPrepare, wanted.key, .success(wanted), renewing: nil)
  }

  /// Prepares the renewal of a copy: the same material again, or with `rotate` the newest version.
  package func renewExport(
    _ caller: Caller,
    _ id: ExportID,
    _ request: RenewExportRequest
  ) async throws(ServiceError) -> ExportInfo {
    let old = try await exportForUse(caller, .exportRenew, id)
    let wanted = Result { () throws(ServiceError) in try wantedRenewal(old, request) }
    return try await prepare(caller, .exportRenew, old.keyName, wanted, renewing: old)
  }

  private func wantedRenewal(
    _ old: ExportRecord,
    _ request: RenewExportRequest
  ) throws(ServiceError) -> WantedExport {
    guard old.mode != .file, let destination = RegistryName(old.destination) else {
      throw ServiceError(.conflict, "A file is not renewed.", remedy: "Export the key again.")
    }
    let rotates = request.rotate == true
    return WantedExport(
      key: old.keyName,
      version: rotates ? nil : old.version,
      destination: destination,
      mode: old.mode,
      keySpec: old.plan.keySpec,
      usage: old.plan.usage,
      algorithm: old.plan.algorithm,
      bits: old.wrappingKeyBits,
      targetName: old.plan.targetName,
      targetKey: old.copy?.providerKeyID ?? (old.target.isEmpty ? nil : old.target),
      wrappingKeyID: old.plan.wrappingKeyID,
      validUntil: try WantedExport.time(request.validUntil),
      importType: rotates ? .new : .existing,
      materialID: rotates ? nil : old.copy?.materialID,
      isMultiRegion: old.plan.isMultiRegion,
      description: old.plan.description,
      parameters: request.parameters,
      isDryRun: false
    )
  }

  /// `request` is what is asked for, or why it cannot be: said to who may ask, and written down.
  private func prepare(
    _ caller: Caller,
    _ operation: ServiceOperation,
    _ key: KeyName,
    _ request: Result<WantedExport, ServiceError>,
    renewing old: ExportRecord?
  ) async throws(ServiceError) -> ExportInfo {
    let resource = Resource.key(key)
    // Nothing is asked of a provider for who may not; the change below then writes the refusal.
    let drawn = await prepared(caller, operation, resource) {
      () throws(ServiceError) -> (ExportDraft, Inventory.Lane?) in
      let wanted = try request.get()
      let draft = try self.draft(wanted, caller, renewing: old)
      guard draft.mode == .push, draft.waiting == nil, !wanted.isDryRun else { return (draft, nil) }
      let inventory = try self.unsealed().inventory
      guard
        let lane = inventory.lane(for: draft.key.id, draft.version.number, draft.destination.name)
      else { throw .underWay }
      // Once more: what another prepared may have been written down meanwhile.
      return (try self.draft(wanted, caller, renewing: old), lane)
    }
    defer { withExtendedLifetime(drawn) {} }
    let draft = drawn.map(\.0)
    var parameters: Result<WrappingParameters, ServiceError>?
    if case .success(let draft) = draft, case .success(let wanted) = request,
      draft.waiting == nil, !wanted.isDryRun
    {
      parameters = await fetched(draft, wanted)
    }
    let brought = parameters
    return try await awaiting { reply in
      self.change(
        caller,
        operation,
        resource,
        isOfItsResourceAlone: true,
        reply: reply
      ) {
        _,
        state,
        transaction,
        record throws(ServiceError) in
        let wanted = try request.get()
        let draft = try draft.get()
        record.used(draft.key, draft.version)
        record.details = [.destination(AuditWord(draft.destination.name.description))]
        if let waiting = draft.waiting {
          record.details.append(.export(AuditWord(waiting.id.description)))
          return Change(ExportInfo(waiting, draft.key, at: record.time)) {}
        }
        if wanted.isDryRun {
          record.rule = try self.right(
            draft.expectedProvenance,
            draft.key,
            caller,
            state,
            record
          ).rule
          return Change(draft.info(caller, at: record.time)) {}
        }
        guard let parameters = try brought?.get() else {
          throw ServiceError(.internalError, "The parameters were not fetched.")
        }
        let export = try self.export(draft, parameters, caller, state, record, renewing: old)
        record.details.append(.export(AuditWord(export.id.description)))
        record.details.append(
          .wrapping(
            algorithm: AuditWord(export.plan.algorithm),
            key: AuditDigest(export.fingerprint)
          )
        )
        // A caller's own wrapping key without the right to the key's plain bytes stops here.
        record.rule = try self.right(
          export.provenance,
          draft.key,
          caller,
          state,
          record
        ).rule
        try self.unchanged(draft, state)
        guard state.inventory.hasRoom else {
          throw ServiceError(.limitExceeded, "The inventory has \(Inventory.most) exports.")
        }
        try self.store { try transaction.insertRecord(export.stored) }
        return Change(ExportInfo(export, draft.key, at: record.time)) {
          state.inventory.put(export)
        }
      }
    }
  }

  /// All that can be decided without the provider.
  private func draft(
    _ wanted: WantedExport,
    _ caller: Caller,
    renewing old: ExportRecord?
  ) throws(ServiceError) -> ExportDraft {
    let state = try unsealed()
    let key = try find(wanted.key, in: state)
    guard !key.attributes.neverExportable else { throw .neverExportable(key.name) }
    let destination = try destination(wanted.destination, state)
    if let allowed = key.attributes.allowedDestinations,
      !allowed.contains(wanted.destination.description)
    {
      throw ServiceError(
        .keyUsage,
        "The key '\(key.name)' may not go to '\(wanted.destination)'.",
        remedy: allowed.isEmpty
          ? "It may go nowhere." : "It may go to: \(allowed.sorted().joined(separator: ", ")).",
        reason: "destination_not_allowed"
      )
    }
    if let old, old.key != key.id {
      throw ServiceError(.conflict, "The key '\(key.name)' is not the one that was exported.")
    }
    let version = try exportable(
      key,
      wanted.version,
      wanted.mode == .push ? .cloudExport : nil,
      renewing: old
    )
    // A job of Google says how it wants to be wrapped for, and takes nothing else.
    let method = ExportCraft.method(of: wanted.parameters, destination.provider)
    let cell = try ExportCraft.cell(
      ExportSubject(key.type, byteCount: try byteCount(key, version, state)),
      destination,
      keySpec: wanted.keySpec,
      algorithm: wanted.algorithm ?? method?.algorithm.rawValue,
      bits: wanted.bits ?? method?.bits
    )
    var plan = ExportPlan(keySpec: cell.keySpec, algorithm: cell.wrapping.rawValue)
    plan.usage = wanted.usage
    plan.targetName = wanted.targetName
    plan.targetKey = wanted.targetKey
    plan.wrappingKeyID = wanted.wrappingKeyID
    plan.validUntil = wanted.validUntil
    plan.importType = wanted.importType
    plan.materialID = wanted.materialID
    plan.isMultiRegion = wanted.isMultiRegion
    plan.description = wanted.description ?? "\(key.name) version \(version.number) of Keyward"
    if let end = plan.validUntil, end <= now() {
      throw ServiceError(
        .exportRefused,
        "The end of the material has passed already.",
        reason: ExportRefusal.Code.validUntilPast.rawValue
      )
    }
    var draft = ExportDraft(
      key: key,
      version: version,
      destination: destination,
      mode: wanted.mode,
      cell: cell,
      plan: plan
    )
    let others = state.inventory.exports(of: key.id).filter {
      $0.version == version.number && $0.destination == destination.name.description
        && $0.mode == wanted.mode
    }
    let found = try wanted.parameters == nil ? nil : wrappingParameters(draft, wanted)
    let soon = now().adding(seconds: 60)
    draft.waiting = others.first { export in
      guard export.state == .prepared, export.plan == plan, export.renews == old?.id,
        export.requester.isSameIdentity(as: caller.principal),
        export.destinationDigest == destination.digest,
        export.parametersValidUntil ?? .never > soon
      else { return false }
      return found.map { export.matches($0) } ?? (wanted.mode == .push)
    }
    if let sending = others.first(where: { $0.state == .sending }), old == nil {
      throw ServiceError(
        .conflict,
        "The export \(sending.id) of this version is under way, and may have arrived.",
        remedy: "Find out with: keyward export resume \(sending.id)."
      )
    }
    // A key that was made for an export that failed is used, in place of one more.
    if plan.targetKey == nil, wanted.mode == .push {
      draft.leftover =
        others.first {
          $0.state == .failed && !$0.target.isEmpty && $0.plan == plan
            && $0.failure?.reason != CloudFailure.Code.notFound.rawValue
        }?.target
    }
    return draft
  }

  /// The wrapping key: asked of the provider, or read from what the caller brought.
  private func fetched(
    _ draft: ExportDraft,
    _ wanted: WantedExport
  ) async -> Result<WrappingParameters, ServiceError> {
    guard wanted.mode == .push else {
      return Result { () throws(ServiceError) in try wrappingParameters(draft, wanted) }
    }
    guard let exporter else { return .failure(.noWayOut) }
    do throws(CloudFailure) {
      let time = time
      let (cloud, session) = try exporter.open(draft.destination) { time.now() }
      guard var plan = draft.plan.cloud(bits: draft.cell.wrappingKeyBits) else {
        return .failure(.noWayOut)
      }
      plan.providerKeyID = plan.providerKeyID ?? draft.leftover
      let parameters = try await cloud.prepare(plan, session)
      return .success(parameters)
    } catch {
      logger.warning(
        "A destination could not be prepared",
        metadata: ["destination": "\(draft.destination.name)", "reason": "\(error.code.rawValue)"]
      )
      return .failure(ServiceError(error))
    }
  }

  private func wrappingParameters(
    _ draft: ExportDraft,
    _ wanted: WantedExport
  ) throws(ServiceError) -> WrappingParameters {
    guard let text = wanted.parameters else {
      throw ServiceError(
        .invalidRequest,
        "A bundle needs 'parameters': what the provider answered when it was asked for them.",
        remedy: "Give the file with --parameters."
      )
    }
    return try ExportCraft.parameters(text, draft.cell, draft.plan, now: now())
  }

  private func export(
    _ draft: ExportDraft,
    _ parameters: WrappingParameters,
    _ caller: Caller,
    _ state: UnsealedState,
    _ record: AuditRecord,
    renewing old: ExportRecord?
  ) throws(ServiceError) -> ExportRecord {
    let id: ExportID = try newIdentifier()
    let fingerprint = Digest.sha256(parameters.publicKey)
    let bits = try ExportCraft.bits(of: parameters.publicKey)
    // What came must be what the rules were asked about (failure modes 9 and 10).
    guard parameters.algorithm == draft.cell.wrapping, bits == draft.cell.wrappingKeyBits else {
      throw ServiceError(
        .exportRefused,
        "The wrapping key is RSA of \(bits) bits for \(parameters.algorithm.rawValue), and the "
          + "export is for \(draft.cell.wrappingKeyBits) bits and \(draft.cell.wrapping.rawValue).",
        remedy: "Give both as the parameters have them.",
        reason: ExportRefusal.Code.wrappingKeySize.rawValue
      )
    }
    if let end = parameters.validUntil, end <= record.time {
      throw ExportRecord.parametersExpired
    }
    if let account = draft.destination[.account], draft.destination.provider == .aws,
      parameters.providerKeyID.hasPrefix("arn:"),
      !parameters.providerKeyID.split(separator: ":").contains(Substring(account))
    {
      throw ServiceError(
        .exportRefused,
        "The provider's key is in another account than the destination's.",
        remedy: "Check the credentials of the destination.",
        reason: "account_mismatch"
      )
    }
    let provenance: ExportRecord.Provenance =
      draft.destination.isPinned(fingerprint)
      ? .pinned : draft.mode == .push ? .fetched : .supplied
    // A destination with pins is for those alone: a key that was fetched and is not among them is
    // one that somebody put there since.
    guard provenance != .fetched || draft.destination.pinnedKeys.isEmpty else {
      throw ServiceError(
        .exportRefused,
        "The provider's wrapping key, of SHA-256 \(Hex.encode(fingerprint)), is not pinned in "
          + "'\(draft.destination.name)', whose pinned_keys name others.",
        remedy: "Have it looked at; pin it if it is right. A provider that makes a wrapping key "
          + "for each import takes no pins.",
        reason: ExportRefusal.Code.wrappingKeyUnpinned.rawValue
      )
    }
    return ExportRecord(
      id: id,
      key: draft.key.id,
      keyName: draft.key.name,
      version: draft.version.number,
      destination: draft.destination.name.description,
      destinationDigest: draft.destination.digest,
      provider: draft.destination.provider.rawValue,
      mode: draft.mode,
      provenance: provenance,
      plan: draft.plan,
      fingerprint: fingerprint,
      wrappingKeyBits: bits,
      requester: caller.principal,
      createdAt: record.time,
      parametersValidUntil: parameters.validUntil,
      target: parameters.providerKeyID,
      renews: old?.id,
      sealedParameters: try SealedParameters.seal(parameters, for: id, state)
    )
  }
}
