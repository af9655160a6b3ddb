import KeywardModel

extension ProviderRules {
  /// Developer Guide, "Requirements for imported key material" and "Select a wrapping algorithm".
  static let aws = ProviderRules(
    provider: .aws,
    specs: [
      raw("SYMMETRIC_DEFAULT", .symmetric, [.aes256, .opaque], 32...32),
      // Shorter than the spec is refused; longer than 1024 bits must be hashed first, so is refused.
      raw("HMAC_224", .mac, [.opaque], 28...128),
      raw("HMAC_256", .mac, [.hmacSHA256, .opaque], 32...128),
      raw("HMAC_384", .mac, [.hmacSHA384, .opaque], 48...128),
      raw("HMAC_512", .mac, [.hmacSHA512, .opaque], 64...128),
      pair("RSA_2048", .rsa, .rsa2048),
      pair("RSA_3072", .rsa, .rsa3072),
      pair("RSA_4096", .rsa, .rsa4096),
      pair("ECC_NIST_P256", .curve, .ecP256),
      pair("ECC_NIST_P384", .curve, .ecP384),
      pair("ECC_NIST_P521", .curve, .ecP521),
      pair("ECC_SECG_P256K1", .curve, .ecSecp256k1),
    ],
    wrappings: [
      Wrapping(algorithm: .oaepSHA256, bits: [2048, 3072, 4096]),
      Wrapping(algorithm: .oaepSHA1, bits: [2048, 3072, 4096]),
      Wrapping(algorithm: .hybridSHA256, bits: [2048, 3072, 4096]),
      Wrapping(algorithm: .hybridSHA1, bits: [2048, 3072, 4096]),
    ],
    bars: [
      Bar(
        family: .symmetric,
        envelope: .hybrid,
        words: "AWS KMS documents RSA_AES_KEY_WRAP for key pairs only, not for symmetric keys."
      ),
      Bar(
        family: .mac,
        envelope: .hybrid,
        words: "AWS KMS documents RSA_AES_KEY_WRAP for key pairs only, not for HMAC keys."
      ),
      Bar(
        family: .rsa,
        envelope: .direct,
        words: "AWS KMS takes RSA keys under RSA_AES_KEY_WRAP only."
      ),
    ],
    barredSpecs: ["ML_DSA_44", "ML_DSA_65", "ML_DSA_87"].map {
      BarredSpec(
        name: $0,
        code: .keySpecNotImportable,
        words: "AWS KMS does not support the import of ML-DSA keys."
      )
    }
      + ["ECC_NIST_EDWARDS25519", "SM2", "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"].map {
        BarredSpec(
          name: $0,
          code: .keySpecNotImportable,
          words: "AWS KMS does not list \($0) among the keys whose material can be imported."
        )
      },
    barredTypes: [
      .ed25519: (
        .keyTypeNotImportable, "AWS KMS has Ed25519 keys, but takes no material for them."
      ),
      .aes128: (.keyTypeNotImportable, "AWS KMS takes symmetric keys of 256 bits only."),
    ]
  )

  /// The rules of a provider.
  static func of(_ provider: ExportProvider) -> ProviderRules {
    switch provider {
    case .aws: aws
    case .azure: azure
    case .azureManagedHSM: azureManagedHSM
    case .google: google
    case .openbao: openbao
    case .vault: vault
    case .oci: oci
    case .ibm: ibm
    case .hpcs: hpcs
    case .alibaba: alibaba
    case .tencent: tencent
    }
  }

  static func raw(
    _ name: String,
    _ family: KeyFamily,
    _ types: [KeyType],
    _ lengths: ClosedRange<Int>...
  ) -> KeySpec {
    KeySpec(name: name, family: family, types: types, lengths: lengths)
  }

  static func pair(_ name: String, _ family: KeyFamily, _ types: KeyType...) -> KeySpec {
    KeySpec(name: name, family: family, types: types, lengths: [])
  }
}
