import KeywardCrypto
package import KeywardModel

/// What providers are sent to import a blob, as their own clients write it.
package enum ImportBody {
  /// AWS `ImportKeyMaterial`.
  ///
  /// `ExpirationModel` is always there: without it the material expires (failure mode 11).
  package static func aws(
    _ blob: [UInt8],
    _ plan: CloudPlan,
    keyID: String,
    token: [UInt8]
  ) -> JSONText {
    .members([
      ("KeyId", .string(keyID)), ("ImportToken", .string(Base64.encode(token))),
      ("EncryptedKeyMaterial", .string(Base64.encode(blob))),
      (
        "ExpirationModel",
        .string(
          plan.validUntil == nil ? "KEY_MATERIAL_DOES_NOT_EXPIRE" : "KEY_MATERIAL_EXPIRES"
        )
      ),
      ("ValidTo", plan.validUntil.map { .integer($0.milliseconds / 1000) }),
      // Only symmetric keys have more than one material.
      ("ImportType", plan.keySpec == "SYMMETRIC_DEFAULT" ? importType(plan) : nil),
      (
        "KeyMaterialDescription",
        plan.keySpec == "SYMMETRIC_DEFAULT" ? materialDescription(plan).map { .string($0) } : nil
      ),
      // AWS refuses an id beside new material.
      ("KeyMaterialId", plan.importType == .existing ? plan.materialID.map { .string($0) } : nil),
    ])
  }

  /// The marker, then the words, of the 256 characters that AWS takes here.
  private static func materialDescription(_ plan: CloudPlan) -> String? {
    let words = plan.description.utf8.map { byte in
      switch byte {
      case 48...57, 65...90, 97...122, 0x20, 0x2d, 0x2e, 0x2f, 0x3a, 0x5f: byte
      default: UInt8(ascii: "_")
      }
    }
    let text = [plan.marker ?? "", String(decoding: words, as: UTF8.self)]
      .filter { !$0.isEmpty }.joined(separator: " ")
    return text.isEmpty ? nil : String(text.prefix(256))
  }

  private static func importType(_ plan: CloudPlan) -> JSONText? {
    switch plan.importType {
    case .new: .string("NEW_KEY_MATERIAL")
    case .existing: .string("EXISTING_KEY_MATERIAL")
    case nil: nil
    }
  }

  /// The `.byok` file of Azure ("BYOK specification" 1.0.0): JSON that looks like a JWE and is none.
  package static func byok(_ blob: [UInt8], kid: String) -> [UInt8] {
    JSONText.object([
      ("schema_version", .string("1.0.0")),
      (
        "header",
        .object([
          ("kid", .string(kid)), ("alg", .string("dir")), ("enc", .string("CKM_RSA_AES_KEY_WRAP")),
        ])
      ),
      ("ciphertext", .string(Base64.encodeURL(blob))),
      ("generator", .string("Keyward \(ProductVersion.current); software key store")),
    ]).bytes
  }

  /// What an Azure key may have beside the material.
  package struct AzureOptions: Sendable {
    package var notBefore: Timestamp?
    package var isExportable: Bool?
    /// The policy of Secure Key Release, as JSON; needs an exportable key.
    package var releasePolicy: [UInt8]?
    package var tags: [(name: String, value: String)]

    package init(
      notBefore: Timestamp? = nil,
      isExportable: Bool? = nil,
      releasePolicy: [UInt8]? = nil,
      tags: [(name: String, value: String)] = []
    ) {
      self.notBefore = notBefore
      self.isExportable = isExportable
      self.releasePolicy = releasePolicy
      self.tags = tags
    }
  }

  /// Azure `PUT /keys/NAME`: base64url without padding, and `Hsm` with a capital, as Azure's own
  /// client writes it whatever the pages say.
  package static func azure(
    byok file: [UInt8],
    _ plan: CloudPlan,
    _ options: AzureOptions = AzureOptions()
  ) -> JSONText {
    let parts = plan.keySpec.split(separator: "/").map(String.init)
    return .members([
      (
        "key",
        .members([
          ("kty", .string(parts.first ?? "")),
          ("crv", parts.count > 1 ? .string(parts[1]) : nil),
          ("key_ops", .array(azureOperations(plan).map { .string($0) })),
          ("key_hsm", .string(Base64.encodeURL(file))),
        ])
      ),
      ("Hsm", .bool(true)),
      (
        "attributes",
        .members([
          ("enabled", .bool(true)), ("nbf", options.notBefore.map(seconds)),
          ("exp", plan.validUntil.map(seconds)),
          ("exportable", options.isExportable.map { .bool($0) }),
        ])
      ),
      (
        "release_policy",
        options.releasePolicy.map { .object([("data", .string(Base64.encodeURL($0)))]) }
      ),
      (
        "tags",
        options.tags.isEmpty ? nil : .object(options.tags.map { ($0.name, .string($0.value)) })
      ),
    ])
  }

  /// The operations of the plan, or the usual ones of the key type.
  package static func azureOperations(_ plan: CloudPlan) -> [String] {
    if let usage = plan.usage { return usage.split(separator: ",").map(String.init) }
    return plan.keySpec == "oct-HSM"
      ? ["encrypt", "decrypt", "wrapKey", "unwrapKey"] : ["sign", "verify"]
  }

  /// Google `cryptoKeyVersions:import`; `version` is the name of a version to import again.
  package static func google(
    _ blob: [UInt8],
    algorithm: String,
    job: String,
    version: String? = nil
  ) -> JSONText {
    .members([
      ("cryptoKeyVersion", version.map { .string($0) }), ("algorithm", .string(algorithm)),
      ("importJob", .string(job)), ("wrappedKey", .string(Base64.encode(blob))),
    ])
  }

  /// Transit `import` and `import_version`, which knows the type already.
  package static func transit(
    _ blob: [UInt8],
    _ wrapping: WrappingAlgorithm,
    type: String,
    isNew: Bool
  ) -> JSONText {
    .members([
      ("ciphertext", .string(Base64.encode(blob))),
      ("hash_function", .string(transitHash(wrapping))), ("type", isNew ? .string(type) : nil),
      // Else the engine could go on with a key that Keyward does not have.
      ("allow_rotation", isNew ? .bool(false) : nil),
    ])
  }

  private static func transitHash(_ wrapping: WrappingAlgorithm) -> String {
    switch wrapping.hash {
    case .sha1: "SHA1"
    case .sha224: "SHA224"
    case .sha384: "SHA384"
    case .sha512: "SHA512"
    default: "SHA256"
    }
  }

  private static func seconds(_ moment: Timestamp) -> JSONText {
    .integer(moment.milliseconds / 1000)
  }
}
