package import KeywardModel

/// Several materials of one symmetric key, and their copies in other Regions.
extension AWSDestination {
  /// One material of a key, as ListKeyRotations has it.
  package struct Material: Sendable, Equatable {
    package let id: String
    /// `CURRENT`, `NON_CURRENT`, `PENDING_ROTATION`, `PENDING_MULTI_REGION_IMPORT_AND_ROTATION`.
    package let state: String
    /// False when it expired, was deleted, or has not come yet.
    package let isImported: Bool
    package let validUntil: Timestamp?
    /// What was given with the import that brought it last.
    package let description: String
  }

  /// AWS rotates a key so many times; each wants material of its own.
  package static let maximumRotations = 25

  /// All materials that a symmetric key has had.
  package func materials(
    of keyID: String,
    _ session: CloudSession
  ) async throws(CloudFailure) -> [Material] {
    try await Self.materials(of: keyID, api, session)
  }

  private static func materials(
    of keyID: String,
    _ api: AWSKeyService,
    _ session: CloudSession
  ) async throws(CloudFailure) -> [Material] {
    let what = "list the materials of the key"
    var found: [Material] = []
    var marker: String?
    // A page has 100 at most, and a key 26.
    for _ in 0..<3 {
      let answer = try await api.call(
        "ListKeyRotations",
        .members([
          ("KeyId", .string(keyID)), ("IncludeKeyMaterial", .string("ALL_KEY_MATERIAL")),
          ("Marker", marker.map { .string($0) }),
        ]),
        what,
        .always,
        session
      )
      for case .object(let entry) in answer.array("Rotations") ?? [] {
        guard let id = entry["KeyMaterialId"]?.text.flatMap(AWSKeyService.materialID) else {
          throw ProviderWords.unintelligible(what, "a material has no id", changes: false)
        }
        found.append(
          Material(
            id: id,
            state: ProviderWords.printable(entry["KeyMaterialState"]?.text ?? ""),
            isImported: entry["ImportState"]?.text == "IMPORTED",
            validUntil: AWSKeyService.time(entry["ValidTo"]),
            description: entry["KeyMaterialDescription"]?.text ?? ""
          )
        )
      }
      guard answer.flag("Truncated") == true, let next = answer["NextMarker"]?.text else { break }
      marker = next
    }
    return found
  }

  /// Makes the material that waits the current one; for the primary of a multi-Region key only once
  /// every replica has it, since AWS would leave the key waiting.
  package func rotate(
    _ keyID: String,
    _ session: CloudSession
  ) async throws(CloudFailure) {
    let key = try await api.describe(keyID, session)
    let pending = try await materials(of: keyID, session).first { $0.state.hasPrefix("PENDING") }
    guard let pending else {
      throw CloudFailure(
        .stateRefused,
        "The key of AWS has no material that waits to be rotated to.",
        remedy: "Import new material first."
      )
    }
    if let configuration = key.object("MultiRegionConfiguration") {
      guard configuration["MultiRegionKeyType"]?.text == "PRIMARY" else {
        throw CloudFailure(.replicaOrder, "A multi-Region key is rotated in its primary's Region.")
      }
      for case .object(let replica) in configuration.array("ReplicaKeys") ?? [] {
        guard let region = replica["Region"]?.text, let arn = replica["Arn"]?.text,
          AWSKeyService.isRegion(region)
        else { throw ProviderWords.unintelligible("describe the key", "a replica", changes: false) }
        let theirs = try await Self.materials(of: arn, api.inRegion(region), session)
        guard theirs.contains(where: { $0.id == pending.id && $0.isImported }) else {
          throw CloudFailure(
            .replicaOrder,
            "The replica in \(ProviderWords.printable(region)) lacks the material to rotate to.",
            remedy: "Import it there as existing material, then rotate."
          )
        }
      }
    }
    _ = try await api.call(
      "RotateKeyOnDemand",
      .members([("KeyId", .string(keyID))]),
      "rotate the key",
      .ifNotActedOn,
      session
    )
  }

  /// Makes a replica in another Region, which then waits for the same material; gives its ARN.
  package func replicate(
    _ keyID: String,
    to region: String,
    _ session: CloudSession
  ) async throws(CloudFailure) -> String {
    let what = "replicate the key"
    let answer = try await api.call(
      "ReplicateKey",
      .members([("KeyId", .string(keyID)), ("ReplicaRegion", .string(region))]),
      what,
      .ifNotActedOn,
      session
    )
    guard let arn = answer.object("ReplicaKeyMetadata")?["Arn"]?.text,
      AWSKeyService.isKeyName(arn)
    else { throw ProviderWords.unintelligible(what, "it has no key", changes: true) }
    return arn
  }
}
