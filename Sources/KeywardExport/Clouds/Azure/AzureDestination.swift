import KeywardCrypto
import KeywardModel

/// Azure Key Vault (Premium), or a Managed HSM.
///
/// Source: "BYOK specification" of Azure Key Vault, and its REST API. The wrapping key (KEK) is an
/// `RSA-HSM` key of the same vault whose only operation is `import`; it is made if it is not there.
package struct AzureDestination: CloudDestination {
  package let provider: ExportProvider
  let api: AzureVaultService
  /// The name of the KEK.
  let kek: String

  /// `vault` is the vault's own URL, `https://NAME.vault.azure.net` or
  /// `https://NAME.managedhsm.azure.net`; `loginURL` is for national clouds and emulators.
  package init(
    vault: String,
    isManagedHSM: Bool,
    kek: String,
    credentials: AzureCredentials,
    loginURL: String = "https://login.microsoftonline.com"
  ) {
    provider = isManagedHSM ? .azureManagedHSM : .azure
    self.kek = kek
    api = AzureVaultService(
      vault: vault,
      scope: isManagedHSM
        ? "https://managedhsm.azure.net/.default" : "https://vault.azure.net/.default",
      credentials: credentials,
      loginURL: loginURL
    )
  }

  package func prepare(
    _ plan: CloudPlan,
    _ session: CloudSession
  ) async throws(CloudFailure) -> WrappingParameters {
    guard plan.wrapping == .hybridSHA1 else {
      throw CloudFailure(.unfit, "Azure opens RSA_AES_KEY_WRAP_SHA_1 alone.")
    }
    guard let name = plan.name, AzureVaultService.isName(name) else {
      throw CloudFailure(.unfit, "A key of Azure needs a name of 1 to 127 letters, digits and '-'.")
    }
    guard AzureVaultService.isName(kek) else {
      throw CloudFailure(.unfit, "The wrapping key of Azure has no name of letters, digits, '-'.")
    }
    if plan.keySpec == "oct-HSM" && provider != .azureManagedHSM {
      throw CloudFailure(.unfit, "AES keys go into a Managed HSM alone, not into a vault.")
    }
    let what = "give the wrapping key"
    let bundle: JSONObject
    do throws(CloudFailure) {
      bundle = try await api.call(.get, "/keys/\(kek)", nil, what, .always, session)
    } catch  where error.code == .notFound {
      bundle = try await makeKEK(plan, session)
    }
    return try parameters(bundle, plan, name)
  }

  private func makeKEK(
    _ plan: CloudPlan,
    _ session: CloudSession
  ) async throws(CloudFailure) -> JSONObject {
    try await api.call(
      .post,
      "/keys/\(kek)/create",
      .members([
        ("kty", .string("RSA-HSM")), ("key_size", .integer(Int64(plan.wrappingKeyBits))),
        ("key_ops", .array([.string("import")])),
      ]),
      "make the wrapping key",
      .ifNotActedOn,
      session
    )
  }

  private func parameters(
    _ bundle: JSONObject,
    _ plan: CloudPlan,
    _ name: String
  ) throws(CloudFailure) -> WrappingParameters {
    guard let key = bundle.object("key"), let kid = key["kid"]?.text,
      let modulus = (key["n"]?.text).flatMap({ Base64.decodeURL($0) }),
      let exponent = (key["e"]?.text).flatMap({ Base64.decodeURL($0) })
    else {
      throw CloudFailure(.wrappingKeyUnfit, "The wrapping key of Azure is not an RSA key.")
    }
    guard api.isVersioned(kid, of: kek) else {
      throw CloudFailure(
        .wrappingKeyUnfit,
        "The wrapping key of Azure has no full, versioned identifier of this vault."
      )
    }
    let operations = key.array("key_ops")?.compactMap(\.text)
    guard key["kty"]?.text == "RSA-HSM", operations == ["import"] else {
      throw CloudFailure(
        .wrappingKeyUnfit,
        "The wrapping key of Azure must be RSA-HSM with 'import' as its only operation.",
        remedy: "Make one: az keyvault key create --kty RSA-HSM --ops import --size 4096"
      )
    }
    let attributes = bundle.object("attributes")
    guard attributes?.flag("enabled") != false else {
      throw CloudFailure(.wrappingKeyUnfit, "The wrapping key of Azure is disabled.")
    }
    let spki: [UInt8]
    do throws(CryptoError) {
      spki = try PublicKey(rsaModulus: modulus, exponent: exponent).spki()
    } catch {
      throw CloudFailure(.wrappingKeyUnfit, "The wrapping key of Azure is not a fit RSA key.")
    }
    try WrappingKeyCheck.check(spki, bits: plan.wrappingKeyBits)
    return WrappingParameters(
      provider: provider,
      providerKeyID: api.vault + "/keys/" + name,
      publicKey: spki,
      algorithm: .hybridSHA1,
      validUntil: (attributes?["exp"]?.integer).flatMap(AzureVaultService.time),
      wrappingKeyID: kid
    )
  }

  package func deliver(
    _ blob: [UInt8],
    _ plan: CloudPlan,
    _ parameters: WrappingParameters,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ImportReceipt {
    guard let kid = parameters.wrappingKeyID, let name = plan.name else {
      throw CloudFailure(.unfit, "The parameters of Azure have no 'kid' of the wrapping key.")
    }
    let what = "import the key"
    let answer = try await api.call(
      .put,
      "/keys/\(name)",
      ImportBody.azure(
        byok: ImportBody.byok(blob, kid: kid),
        plan,
        ImportBody.AzureOptions(tags: plan.marker.map { [(Self.markerTag, $0)] } ?? [])
      ),
      what,
      .never,
      session
    )
    guard let made = answer.object("key")?["kid"]?.text, api.isVersioned(made, of: name) else {
      throw ProviderWords.unintelligible(what, "it has no key identifier", changes: true)
    }
    return ImportReceipt(
      providerKeyID: made,
      state: answer.object("attributes")?.flag("enabled") == false ? .disabled : .enabled,
      validUntil: plan.validUntil
    )
  }

  package func status(
    of receipt: ImportReceipt,
    _ session: CloudSession
  ) async throws(CloudFailure) -> CloudKeyStatus {
    let bundle: JSONObject
    do throws(CloudFailure) {
      bundle = try await api.call(
        .get,
        try api.path(of: receipt.providerKeyID),
        nil,
        "describe the key",
        .always,
        session
      )
    } catch  where error.code == .notFound {
      return CloudKeyStatus(.gone, detail: "KeyNotFound")
    }
    let attributes = bundle.object("attributes")
    let end = (attributes?["exp"]?.integer).flatMap(AzureVaultService.time)
    let isEnabled = attributes?.flag("enabled") == true
    return CloudKeyStatus(
      isEnabled ? .enabled : .disabled,
      validUntil: end,
      detail: isEnabled ? "enabled" : "disabled"
    )
  }

  package func prove(
    _ receipt: ImportReceipt,
    _ plan: CloudPlan,
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ProofResult {
    let path = try api.path(of: receipt.providerKeyID)
    if plan.keySpec == "oct-HSM" { return try await proveAES(path, plan, material, session) }
    let what = "give the public key"
    let bundle = try await api.call(.get, path, nil, what, .always, session)
    guard let key = bundle.object("key"), let spki = AzureVaultService.spki(key) else {
      throw ProviderWords.unintelligible(what, "it has no public key", changes: false)
    }
    return Proof.publicKey(spki, material)
  }

  private func proveAES(
    _ path: String,
    _ plan: CloudPlan,
    _ material: any ProofMaterial,
    _ session: CloudSession
  ) async throws(CloudFailure) -> ProofResult {
    guard ImportBody.azureOperations(plan).contains("encrypt") else {
      return .notProvable("the key may not encrypt at Azure")
    }
    let message = try Proof.message()
    let what = "encrypt"
    for bits in [256, 128] {
      let answer: JSONObject
      do throws(CloudFailure) {
        answer = try await api.call(
          .post,
          path + "/encrypt",
          .members([
            ("alg", .string("A\(bits)GCM")), ("value", .string(Base64.encodeURL(message))),
          ]),
          what,
          .always,
          session
        )
      } catch  where error.code == .refused && bits == 256 {
        // The key may be of the other size.
        continue
      }
      guard let value = (answer["value"]?.text).flatMap({ Base64.decodeURL($0) }),
        let nonce = (answer["iv"]?.text).flatMap({ Base64.decodeURL($0) }),
        let tag = (answer["tag"]?.text).flatMap({ Base64.decodeURL($0) })
      else { throw ProviderWords.unintelligible(what, "a member is missing", changes: false) }
      let sample = SealedSample(.aesGCM, nonce: nonce, ciphertext: value, tag: tag)
      return await Proof.encryption(sample, message, material)
    }
    return .notProvable("Azure does not encrypt with this key")
  }
}
