import KeywardModel

extension ProviderRules {
  private static let azureKeys = [
    pair("RSA-HSM", .rsa, .rsa2048, .rsa3072, .rsa4096),
    pair("EC-HSM/P-256", .curve, .ecP256),
    pair("EC-HSM/P-384", .curve, .ecP384),
    pair("EC-HSM/P-521", .curve, .ecP521),
    pair("EC-HSM/P-256K", .curve, .ecSecp256k1),
  ]

  /// `CKM_RSA_AES_KEY_WRAP` with SHA-1 in OAEP and MGF1 is fixed by the BYOK specification.
  private static let azureWrappings = [Wrapping(algorithm: .hybridSHA1, bits: [2048, 3072, 4096])]

  private static let azureSoftware = [
    "RSA", "EC/P-256", "EC/P-384", "EC/P-521", "EC/P-256K", "oct",
  ]
  .map {
    BarredSpec(
      name: $0,
      code: .keySpecNotImportable,
      words: "Azure takes wrapped keys for its HSM only: a key without HSM travels in the clear."
    )
  }

  static let azure = ProviderRules(
    provider: .azure,
    specs: azureKeys,
    wrappings: azureWrappings,
    barredSpecs: azureSoftware + [
      BarredSpec(
        name: "oct-HSM",
        code: .needsManagedHSM,
        words: "Symmetric keys go to Azure Managed HSM only, not to a vault."
      )
    ],
    barredTypes: [
      .aes128: (
        .needsManagedHSM, "Symmetric keys go to Azure Managed HSM only, not to a vault."
      ),
      .aes256: (
        .needsManagedHSM, "Symmetric keys go to Azure Managed HSM only, not to a vault."
      ),
    ]
  )

  static let azureManagedHSM = ProviderRules(
    provider: .azureManagedHSM,
    specs: azureKeys + [
      raw("oct-HSM", .symmetric, [.aes256, .aes128, .opaque], 16...16, 24...24, 32...32)
    ],
    wrappings: azureWrappings,
    barredSpecs: azureSoftware
  )
}
