import ArgumentParser
import KeywardModel

/// The attributes of a key, for `create`, `import` and `update`.
struct KeyLimitOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What the key may do, as encrypt,decrypt. (default for a new key: its type's one pair)",
      valueName: "a,b"
    )
  )
  var operations: String?

  @Flag(help: "No route ever lets the material out. Cannot be taken back.")
  var neverExportable = false

  @Flag(help: "The key cannot be destroyed. Cannot be taken back.")
  var deletionProtected = false

  @Option(
    help: ArgumentHelp(
      "A destination it may be exported to (may be given several times; default: any).",
      valueName: "name"
    )
  )
  var allowedDestination: [String] = []

  @Option(help: "How many approvals a change, an export or a destruction asks for.")
  var requiredApprovals: Int?

  @Option(
    help: ArgumentHelp("Rotate by itself every 90d, 12h, …; 0 for never.", valueName: "time")
  )
  var rotationPeriod: Seconds?

  var changes: UpdateKeyRequest {
    UpdateKeyRequest(
      operations: operations.map { text in
        text.isEmpty
          ? [] : text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      },
      neverExportable: neverExportable ? true : nil,
      deletionProtected: deletionProtected ? true : nil,
      allowedDestinations: allowedDestination.isEmpty ? nil : allowedDestination,
      requiredApprovals: requiredApprovals,
      rotationPeriod: rotationPeriod?.value
    )
  }

  func newKey(_ name: KeyName, type: String) throws -> CreateKeyRequest {
    let changes = changes
    let request = CreateKeyRequest(
      name: name.description,
      type: type,
      operations: changes.operations,
      neverExportable: changes.neverExportable,
      deletionProtected: changes.deletionProtected,
      allowedDestinations: changes.allowedDestinations,
      requiredApprovals: changes.requiredApprovals,
      rotationPeriod: changes.rotationPeriod
    )
    _ = try request.parsed()
    return request
  }
}
