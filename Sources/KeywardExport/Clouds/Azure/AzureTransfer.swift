import KeywardModel

/// The transfer file (`.byok`) of Azure, and the body that imports it.
package enum AzureTransfer {
  /// The `.byok` file: JSON that looks like a JWE and is none ("BYOK specification", version 1.0.0).
  ///
  /// `kid` is the full, versioned identifier of the KEK.
  package static func file(_ blob: [UInt8], kid: String) -> [UInt8] {
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

  /// The body of `PUT /keys/NAME`, as Azure's own SDK writes it: base64url without padding, and
  /// `Hsm` with a capital.
  package static func importBody(_ file: [UInt8], _ plan: CloudPlan) -> JSONText {
    let parts = plan.keySpec.split(separator: "/")
    let ops = operations(plan)
    return .members([
      (
        "key",
        .members([
          ("kty", .string(String(parts.first ?? ""))),
          ("crv", parts.count > 1 ? .string(String(parts[1])) : nil),
          ("key_ops", .array(ops.map { .string($0) })),
          ("key_hsm", .string(Base64.encodeURL(file))),
        ])
      ),
      ("Hsm", .bool(true)),
      (
        "attributes",
        .members([
          ("enabled", .bool(true)),
          ("exp", plan.validUntil.map { .integer($0.milliseconds / 1000) }),
        ])
      ),
    ])
  }

  /// The operations of the plan, or the usual ones of the key type.
  static func operations(_ plan: CloudPlan) -> [String] {
    if let usage = plan.usage { return usage.split(separator: ",").map(String.init) }
    return plan.keySpec == "oct-HSM"
      ? ["encrypt", "decrypt", "wrapKey", "unwrapKey"] : ["sign", "verify"]
  }
}
