import KeywardCrypto
import KeywardExport
import KeywardModel
import KeywardPolicy

/// The checks that both steps share.
extension KeywardService {
  /// The right that a wrapping key of such a provenance takes, of policy and of the key itself.
  func right(
    _ provenance: ExportRecord.Provenance?,
    _ key: Key,
    _ caller: Caller,
    _ state: UnsealedState,
    _ record: AuditRecord
  ) throws(ServiceError) -> (operation: KeyOperation, rule: String) {
    let isPlain = provenance == .supplied || provenance == nil
    let operation: KeyOperation = isPlain ? .export : .cloudExport
    let decision = state.policy.compiled.decide(
      PolicyRequest(
        caller,
        isPlain ? .keyExport : .keyCloudExport,
        .key(key.name),
        time: record.time
      )
    )
    guard decision.isAllowed else {
      guard isPlain, provenance == .supplied else { throw ServiceError.forbidden }
      throw ServiceError(
        .forbidden,
        "A wrapping key that a caller brings counts as plain export, which is not allowed.",
        remedy: "Use push, where Keyward fetches the key itself, or have its fingerprint pinned in "
          + "the destination.",
        reason: "wrapping_key_supplied"
      )
    }
    guard key.attributes.operations.contains(operation) else {
      throw ServiceError(
        .keyUsage,
        "The key '\(key.name)' does not \(operation.rawValue).",
        remedy: "It does: \(key.attributes.operations.text). Operations cannot be added to a key.",
        reason: isPlain && provenance == .supplied ? "wrapping_key_supplied" : nil
      )
    }
    return (operation, decision.rule)
  }

  /// The version to export; a renewal may bring one that was rotated out, since what it protected
  /// has to be opened there too.
  func exportable(
    _ key: Key,
    _ number: Int?,
    _ operation: KeyOperation?,
    renewing old: ExportRecord?
  ) throws(ServiceError) -> KeyVersion {
    if let old, let number, number == old.version {
      let version = try find(number, of: key)
      if version.state == .deactivated, version.destroyAt == nil { return version }
    }
    let either: KeyOperation =
      operation ?? (key.attributes.operations.contains(.cloudExport) ? .cloudExport : .export)
    return try choose(key, number, for: either)
  }

  /// The length of raw material; of key pairs the rules need none.
  func byteCount(
    _ key: Key,
    _ version: KeyVersion,
    _ state: UnsealedState
  ) throws(ServiceError) -> Int? {
    key.type.isKeyPair ? nil : try state.symmetric(key, version).bytes.count
  }

  /// Refuses what was decided about a key or a destination that is another by now.
  func unchanged(
    _ draft: ExportDraft,
    _ state: UnsealedState
  ) throws(ServiceError) {
    guard let key = state.directory.key(named: draft.key.name), key.id == draft.key.id,
      key.attributes == draft.key.attributes,
      key.version(draft.version.number)?.state == draft.version.state,
      state.inventory.destination(draft.destination.name) == draft.destination
    else {
      throw ServiceError(
        .conflict,
        "The key or the destination was changed meanwhile.",
        remedy: "Try again."
      )
    }
  }
}
