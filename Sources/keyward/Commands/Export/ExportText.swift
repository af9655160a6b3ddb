import KeywardModel

/// Exports in the form for people.
enum ExportText {
  static func details(_ export: ExportInfo) -> String {
    Table.pairs([
      ("Export", export.id),
      ("State", state(export)),
      ("Key", "\(export.key) version \(export.version)"),
      ("Behind", export.isBehind ? "the key has a newer version" : nil),
      ("Destination", "\(export.destination) (\(export.provider))"),
      ("Mode", export.mode),
      ("Right", export.operation),
      ("Becomes", export.keySpec),
      ("Wrapped by", export.algorithm),
      ("Wrapping key", export.wrappingKeySHA256),
      ("Its size", export.wrappingKeyBits.map { "\($0) bits" }),
      ("Its provenance", export.provenance),
      ("Parameters until", export.parametersValidUntil),
      ("Provider's key", export.providerKeyID),
      ("Material", export.materialID),
      ("Provider says", export.providerState.map { "\($0) at \(export.checkedAt ?? "")" }),
      ("Valid until", export.validUntil ?? (export.sentAt == nil ? nil : "no end")),
      ("Warning", export.warning),
      ("Proof", export.proof.map { "\($0): \(export.proofDetail ?? "")" }),
      ("Blob SHA-256", export.blobSHA256),
      ("Sent", export.sentAt),
      ("Asked by", export.requester.name),
      (
        "Approved by",
        export.approvers.isEmpty ? nil : export.approvers.map(\.name).joined(separator: ", ")
      ),
      ("Failure", export.failure.map { "\($0): \(export.failureDetail ?? "")" }),
      ("Renews", export.renews),
      ("Superseded by", export.supersededBy),
    ])
  }

  static func list(_ exports: [ExportInfo]) -> String {
    guard !exports.isEmpty else { return "No exports." }
    var table = Table(["EXPORT", "KEY", "VERSION", "DESTINATION", "STATE", "VALID UNTIL", "NOTE"])
    for export in exports {
      let behind = export.isBehind && export.mode != "file" ? "behind" : nil
      let warning = export.warning.map { $0 == "over" ? "over" : "ends within \($0)" }
      table.add([
        export.id, export.key, String(export.version), export.destination, export.state,
        export.validUntil ?? "-",
        [warning, behind, export.failure].compactMap { $0 }.joined(separator: ", "),
      ])
    }
    return table.text
  }

  /// The subcommand that goes to a provider.
  static func command(of provider: String) -> String {
    switch provider {
    case "azure-managed-hsm": "azure"
    case "ibm-key-protect": "ibm"
    case "ibm-hpcs": "hpcs"
    default: provider
    }
  }

  private static func state(_ export: ExportInfo) -> String {
    switch export.state {
    case "allowed": "allowed; nothing was done"
    case "delivered" where export.mode == "bundle": "handed over; import it, then verify"
    default: export.state
    }
  }
}
