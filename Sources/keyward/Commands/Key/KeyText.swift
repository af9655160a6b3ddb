import KeywardModel

/// Keys in the form for people.
enum KeyText {
  static func details(_ key: KeyInfo) -> String {
    var text = Table.pairs([
      ("Name", key.name),
      ("Id", key.id),
      ("Type", key.type.rawValue),
      ("Operations", key.operations.map(\.rawValue).joined(separator: ", ")),
      ("Primary version", key.primaryVersion.map(String.init) ?? "none: it cannot protect now"),
      ("Never exportable", key.neverExportable ? "yes" : nil),
      ("Deletion protected", key.deletionProtected ? "yes" : nil),
      ("Destinations", key.allowedDestinations?.joined(separator: ", ")),
      ("Approvals", key.requiredApprovals == 0 ? nil : String(key.requiredApprovals)),
      ("Rotated every", key.rotationPeriod.map(Seconds.text)),
      ("Created", key.createdAt),
      ("Deleted", key.deletedAt),
    ])
    guard let versions = key.versions, !versions.isEmpty else { return text }
    var table = Table(["VERSION", "STATE", "ORIGIN", "CREATED", "CHECK VALUE", "KEY ID", "NOTE"])
    for version in versions {
      table.add([
        String(version.version), version.state.rawValue, version.origin.rawValue,
        version.createdAt, version.checkValue, version.kmsKeyID, note(version),
      ])
    }
    text += "\n\n" + table.text
    return text
  }

  static func list(_ keys: [KeyInfo]) -> String {
    guard !keys.isEmpty else { return "No keys." }
    var table = Table(["NAME", "TYPE", "PRIMARY", "VERSIONS", "OPERATIONS", "CREATED"])
    for key in keys {
      table.add([
        key.deletedAt == nil ? key.name : key.name + " (deleted)", key.type.rawValue,
        key.primaryVersion.map(String.init) ?? "-", String(key.versionCount),
        key.operations.map(\.rawValue).joined(separator: ","), key.createdAt,
      ])
    }
    return table.text
  }

  private static func note(_ version: KeyVersionInfo) -> String {
    if let time = version.destroyedAt { return "destroyed \(time)" }
    if let time = version.destroyAt { return "to be destroyed \(time)" }
    return ""
  }
}
