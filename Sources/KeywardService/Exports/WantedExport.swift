import KeywardCrypto
import KeywardExport
import KeywardModel

/// What a caller asks to be exported, parsed.
struct WantedExport: Sendable {
  var key: KeyName
  var version: Int?
  var destination: RegistryName
  var mode: ExportRecord.Mode
  var keySpec: String?
  var usage: String?
  var algorithm: String?
  var bits: Int?
  var targetName: String?
  var targetKey: String?
  var wrappingKeyID: String?
  var validUntil: Timestamp?
  var importType: CloudPlan.ImportType?
  var materialID: String?
  var isMultiRegion: Bool
  var description: String?
  var parameters: String?
  var isDryRun: Bool
}

extension WantedExport {
  init(_ request: PrepareExportRequest) throws(ServiceError) {
    guard let destination = RegistryName(request.destination) else {
      throw ServiceError(.invalidRequest, "'destination' is not a name.")
    }
    guard let mode = ExportRecord.Mode(rawValue: request.mode), mode != .file else {
      throw ServiceError(.invalidRequest, "'mode' is none of: push, bundle.")
    }
    guard mode == .bundle || request.parameters == nil else {
      throw ServiceError(
        .invalidRequest,
        "'parameters' go with a bundle: in push mode Keyward fetches them itself."
      )
    }
    for (name, text) in [
      ("key_spec", request.keySpec), ("usage", request.usage), ("target_name", request.targetName),
      ("target_key", request.targetKey), ("description", request.description),
      ("wrapping_key_id", request.wrappingKeyID),
    ] {
      guard let text else { continue }
      guard (1...512).contains(text.utf8.count),
        text.utf8.allSatisfy({ (0x20...0x7e).contains($0) })
      else {
        throw ServiceError(
          .invalidRequest,
          "'\(name)' is not 1 to 512 printable ASCII characters."
        )
      }
    }
    self.init(
      key: try WireText.keyName(request.key),
      version: request.version,
      destination: destination,
      mode: mode,
      keySpec: request.keySpec,
      usage: request.usage,
      algorithm: request.wrappingAlgorithm,
      bits: request.wrappingKeyBits,
      targetName: request.targetName,
      targetKey: request.targetKey,
      wrappingKeyID: request.wrappingKeyID,
      validUntil: try Self.time(request.validUntil),
      importType: request.targetKey == nil ? nil : .new,
      materialID: nil,
      isMultiRegion: request.multiRegion == true,
      description: request.description.map { String($0.prefix(256)) },
      parameters: request.parameters,
      isDryRun: request.dryRun == true
    )
  }

  /// A time of RFC 3339; `never` and nothing are none.
  static func time(_ text: String?) throws(ServiceError) -> Timestamp? {
    guard let text, text != "never" else { return nil }
    guard let time = Timestamp(rfc3339: text) else {
      throw ServiceError(
        .invalidRequest,
        "'valid_until' is neither never nor a time.",
        remedy: "Write it as 2027-01-31T12:00:00Z."
      )
    }
    return time
  }
}

/// What was found out about an export before its wrapping key is there.
struct ExportDraft: Sendable {
  let key: Key
  let version: KeyVersion
  let destination: Destination
  let mode: ExportRecord.Mode
  let cell: ExportCell
  let plan: ExportPlan
  /// The export that the same request prepared before and that waits to be completed.
  var waiting: ExportRecord?
  /// The provider's key of an export that failed before.
  var leftover: String?

  /// Of a bundle it is known only with its parameters; push is always fetched.
  var expectedProvenance: ExportRecord.Provenance {
    mode == .push || !destination.pinnedKeys.isEmpty ? .fetched : .supplied
  }

  /// The answer to a dry run.
  func info(_ caller: Caller, at now: Timestamp) -> ExportInfo {
    var info = ExportInfo(
      id: "-",
      state: "allowed",
      key: key.name.description,
      keyID: key.id.description,
      version: version.number,
      isBehind: version.number < key.versions.count,
      destination: destination.name.description,
      provider: destination.provider.rawValue,
      mode: mode.rawValue,
      operation: expectedProvenance == .supplied ? "key:export" : "key:cloud-export",
      keySpec: cell.keySpec,
      algorithm: cell.wrapping.rawValue,
      createdAt: now.rfc3339,
      requester: PrincipalInfo(caller.principal)
    )
    info.wrappingKeyBits = cell.wrappingKeyBits
    info.validUntil = plan.validUntil?.rfc3339
    return info
  }
}

extension Destination {
  /// What an export is bound to: where the destination is, and the destination with all its words.
  var digest: [UInt8] { Digest.sha256(place) + Digest.sha256(encoded) }

  /// Whether an export's digest is of this place, whatever else was changed since.
  func isPlace(of digest: [UInt8]) -> Bool {
    digest.starts(with: Digest.sha256(place))
  }
}

extension ExportRecord {
  /// Whether these are the parameters that it was prepared with.
  func matches(_ parameters: WrappingParameters) -> Bool {
    Digest.sha256(parameters.publicKey) == fingerprint && parameters.providerKeyID == target
  }
}

extension ServiceError {
  static func neverExportable(_ name: KeyName) -> ServiceError {
    ServiceError(
      .keyUsage,
      "The key '\(name)' is never exportable, by whatever route.",
      remedy: "This cannot be changed. Make another key for the destination.",
      reason: "never_exportable"
    )
  }

  static let noWayOut = ServiceError(
    .unimplemented,
    "This server has no way to destinations.",
    remedy: "Use a bundle."
  )
}

extension ExportInfo {
  init(_ export: ExportRecord, _ key: Key?, at now: Timestamp) {
    self.init(
      id: export.id.description,
      state: export.state.rawValue,
      key: export.keyName.description,
      keyID: export.key.description,
      version: export.version,
      isBehind: key.map { $0.versions.count > export.version } ?? false,
      destination: export.destination,
      provider: export.provider,
      mode: export.mode.rawValue,
      operation: export.operation == .export ? "key:export" : "key:cloud-export",
      keySpec: export.plan.keySpec,
      algorithm: export.plan.algorithm,
      createdAt: export.createdAt.rfc3339,
      requester: PrincipalInfo(export.requester),
      approvers: export.approvers.map { PrincipalInfo($0) }
    )
    provenance = export.provenance?.rawValue
    wrappingKeySHA256 = export.fingerprint.isEmpty ? nil : Hex.encode(export.fingerprint)
    wrappingKeyBits = export.wrappingKeyBits
    parametersValidUntil = export.parametersValidUntil?.rfc3339
    validUntil = export.validUntil?.rfc3339
    sentAt = export.sentAt?.rfc3339
    blobSHA256 = export.blobSHA256.isEmpty ? nil : Hex.encode(export.blobSHA256)
    approval = export.approval?.description
    providerKeyID = export.copy?.providerKeyID ?? (export.target.isEmpty ? nil : export.target)
    materialID = export.copy?.materialID
    providerState = export.copy?.state
    checkedAt = export.copy?.checkedAt.rfc3339
    proof = export.proof?.outcome.rawValue
    proofDetail = export.proof?.detail
    failure = export.failure?.reason
    failureDetail = export.failure?.words
    renews = export.renews?.description
    supersededBy = export.supersededBy?.description
    warning = ExportWarning(export, at: now)?.rawValue
  }
}
