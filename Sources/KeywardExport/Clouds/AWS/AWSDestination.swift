import KeywardCrypto
import KeywardModel

/// AWS KMS in one Region of one account.
///
/// Source: AWS KMS API Reference 2014-11-01, and "Importing key material" of its Developer Guide. The
/// expiration model is always sent: left out, AWS lets the material expire.
package struct AWSDestination: CloudDestination {
  package var provider: ExportProvider { .aws }
  let api: AWSKeyService

  /// `endpoint` is an absolute https URL without a path, for emulators and private endpoints.
  package init(region: String, credentials: AWSCredentials, endpoint: String? = nil) {
    api = AWSKeyService(region: region, credentials: credentials, endpoint: endpoint)
  }

  /// Whether a text may be part of a host name as a Region.
  package static func isRegion(_ text: String) -> Bool { AWSKeyService.isRegion(text) }

  package func prepare(
    _ plan: CloudPlan,
    _ session: CloudSession
  ) async throws(CloudFailure) -> WrappingParameters {
    let keyID: String
    let before: KeyContents
    if let existing = plan.providerKeyID {
      keyID = existing
      before = KeyContents(try await check(plan, existing, session))
    } else {
      keyID = try await create(plan, session)
      before = .none
    }
    let what = "give the parameters for an import"
    let answer = try await api.call(
      "GetParametersForImport",
      .members([
        ("KeyId", .string(keyID)), ("WrappingAlgorithm", .string(plan.wrapping.rawValue)),
        ("WrappingKeySpec", .string("RSA_\(plan.wrappingKeyBits)")),
      ]),
      what,
      .always,
      session
    )
    guard let arn = answer["KeyId"]?.text, let token = answer["ImportToken"]?.text,
      let token = Base64.decode(token), (1...6144).contains(token.count),
      let key = (answer["PublicKey"]?.text).flatMap({ Base64.decode($0) }), key.count <= 4096,
      let end = AWSKeyService.time(answer["ParametersValidTo"])
    else { throw ProviderWords.unintelligible(what, "a member is missing", changes: false) }
    guard AWSKeyService.isSame(arn, keyID) else {
      throw ProviderWords.unintelligible(what, "it is for another key", changes: false)
    }
    try WrappingKeyCheck.check(key, bits: plan.wrappingKeyBits)
    return WrappingParameters(
      provider: .aws,
      providerKeyID: arn,
      publicKey: key,
      algorithm: plan.wrapping,
      token: token,
      validUntil: end,
      before: before.text
    )
  }

  package func deliver(
    _ blob: [UInt8],
    _ plan: CloudPlan,
    _ parameters: WrappingParameters,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ImportReceipt {
    guard let token = parameters.token else {
      throw CloudFailure(.tokenInvalid, "The parameters of AWS have no import token.")
    }
    let answer = try await api.call(
      "ImportKeyMaterial",
      ImportBody.aws(blob, plan, keyID: parameters.providerKeyID, token: token),
      "import the material",
      .never,
      session
    )
    var receipt = ImportReceipt(
      providerKeyID: parameters.providerKeyID,
      materialID: answer["KeyMaterialId"]?.text.flatMap(AWSKeyService.materialID),
      state: plan.importType == .new ? .pendingRotation : .enabled,
      validUntil: plan.validUntil
    )
    // The import is done whatever becomes of this look at it.
    if let status = try? await status(of: receipt, session) { receipt.state = status.state }
    // AWS goes on with the old material until it is told. What cannot be rotated to yet, such as the
    // primary of a multi-Region key before its replicas have the material, keeps its state.
    if receipt.state == .pendingRotation,
      (try? await rotate(receipt.providerKeyID, session)) != nil,
      let status = try? await status(of: receipt, session)
    {
      receipt.state = status.state
    }
    return receipt
  }

  package func status(
    of receipt: ImportReceipt,
    _ session: CloudSession
  ) async throws(CloudFailure) -> CloudKeyStatus {
    let key: JSONObject
    do throws(CloudFailure) {
      key = try await api.describe(receipt.providerKeyID, session)
    } catch  where error.code == .notFound {
      return CloudKeyStatus(.gone, detail: "NotFoundException")
    }
    let words = ProviderWords.printable(key["KeyState"]?.text ?? "")
    let current = key["CurrentKeyMaterialId"]?.text.flatMap(AWSKeyService.materialID)
    let state = AWSKeyService.state(words)
    // A key has several materials, and what DescribeKey says is of the current one.
    if let mine = receipt.materialID, let current, mine != current {
      let material = try await materials(of: receipt.providerKeyID, session).first { $0.id == mine }
      guard let material else { return CloudKeyStatus(.gone, detail: "no such material") }
      return CloudKeyStatus(
        material.state.hasPrefix("PENDING") ? .pendingRotation : state,
        validUntil: material.validUntil,
        materialID: mine,
        detail: "\(words), \(material.state)"
      )
    }
    return CloudKeyStatus(
      state,
      validUntil: AWSKeyService.time(key["ValidTo"]),
      materialID: current,
      detail: words
    )
  }

  package func reasonNotProvable(_ receipt: ImportReceipt, _ plan: CloudPlan) -> String? {
    guard receipt.state == .enabled else {
      return "the material is at AWS and not in use yet (\(receipt.state.rawValue))"
    }
    // That AWS took it under the id of the same material is AWS's word, and compares nothing.
    return plan.keySpec == "SYMMETRIC_DEFAULT"
      ? "ciphertexts of AWS symmetric keys open nowhere but at AWS" : nil
  }

  package func prove(
    _ receipt: ImportReceipt,
    _ plan: CloudPlan,
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ProofResult {
    if let reason = reasonNotProvable(receipt, plan) { return .notProvable(reason) }
    if let hash = AWSKeyService.macHash(plan.keySpec) {
      return try await proveMAC(receipt, plan, hash, material, session)
    }
    let answer = try await api.call(
      "GetPublicKey",
      .members([("KeyId", .string(receipt.providerKeyID))]),
      "give the public key",
      .always,
      session
    )
    guard let key = (answer["PublicKey"]?.text).flatMap({ Base64.decode($0) }) else {
      throw ProviderWords.unintelligible("give the public key", "it has none", changes: false)
    }
    return Proof.publicKey(key, material)
  }

  private func proveMAC(
    _ receipt: ImportReceipt,
    _ plan: CloudPlan,
    _ hash: HashFunction,
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ProofResult {
    let message = try Proof.message()
    let bits = plan.keySpec.dropFirst("HMAC_".count)
    let answer = try await api.call(
      "GenerateMac",
      .members([
        ("KeyId", .string(receipt.providerKeyID)), ("Message", .string(Base64.encode(message))),
        ("MacAlgorithm", .string("HMAC_SHA_\(bits)")),
      ]),
      "make a MAC",
      .always,
      session
    )
    guard let mac = (answer["Mac"]?.text).flatMap({ Base64.decode($0) }) else {
      throw ProviderWords.unintelligible("make a MAC", "it has none", changes: false)
    }
    return await Proof.mac(mac, hash, message, material)
  }

  private func create(
    _ plan: CloudPlan,
    _ session: CloudSession
  ) async throws(CloudFailure) -> String {
    let what = "make a key for imported material"
    let answer = try await api.call(
      "CreateKey",
      .members([
        ("Origin", .string("EXTERNAL")), ("KeySpec", .string(plan.keySpec)),
        ("KeyUsage", .string(plan.usage ?? AWSKeyService.usualUsage(plan.keySpec))),
        ("MultiRegion", plan.isMultiRegion ? .bool(true) : nil),
        ("Description", plan.description.isEmpty ? nil : .string(plan.description)),
      ]),
      what,
      .ifNotActedOn,
      session
    )
    guard let key = answer.object("KeyMetadata"), let arn = key["Arn"]?.text,
      AWSKeyService.isKeyName(arn)
    else { throw ProviderWords.unintelligible(what, "it has no key", changes: true) }
    return arn
  }

  /// Refuses a key that cannot take this material, before anything is wrapped.
  private func check(
    _ plan: CloudPlan,
    _ keyID: String,
    _ session: CloudSession
  ) async throws(CloudFailure) -> JSONObject {
    guard AWSKeyService.isKeyName(keyID) else {
      throw CloudFailure(.unfit, "The key of AWS is neither a key id nor an ARN.")
    }
    let key = try await api.describe(keyID, session)
    guard key["Origin"]?.text == "EXTERNAL" else {
      throw CloudFailure(
        .stateRefused,
        "The key of AWS was not made for imported material (Origin EXTERNAL)."
      )
    }
    guard key["KeySpec"]?.text == plan.keySpec else {
      let found = ProviderWords.printable(key["KeySpec"]?.text ?? "")
      throw CloudFailure(.unfit, "The key of AWS is \(found), not \(plan.keySpec).")
    }
    if plan.importType == .new,
      key.object("MultiRegionConfiguration")?["MultiRegionKeyType"]?.text == "REPLICA"
    {
      throw CloudFailure(
        .replicaOrder,
        "New material goes into the primary of a multi-Region key first, and this is a replica.",
        remedy: "Import it in the primary's Region, then here as existing material, then rotate."
      )
    }
    return key
  }
}
