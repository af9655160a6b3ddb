import KeywardModel

extension ProviderRules {
  private static let transitWrappings = [
    WrappingAlgorithm.hybridSHA256, .hybridSHA384, .hybridSHA512, .hybridSHA224, .hybridSHA1,
  ].map { Wrapping(algorithm: $0, bits: [4096]) }

  private static let transitKeys = [
    raw("aes256-gcm96", .symmetric, [.aes256, .opaque], 32...32),
    raw("aes128-gcm96", .symmetric, [.aes128, .opaque], 16...16),
    raw("chacha20-poly1305", .symmetric, [.chacha20Poly1305, .opaque], 32...32),
    raw("hmac", .mac, [.hmacSHA256, .hmacSHA384, .hmacSHA512, .opaque], 32...512),
    pair("ed25519", .curve, .ed25519),
    pair("ecdsa-p256", .curve, .ecP256),
    pair("ecdsa-p384", .curve, .ecP384),
    pair("ecdsa-p521", .curve, .ecP521),
    pair("rsa-2048", .rsa, .rsa2048),
    pair("rsa-3072", .rsa, .rsa3072),
    pair("rsa-4096", .rsa, .rsa4096),
  ]

  private static let noSecp256k1: [KeyType: (code: ExportRefusal.Code, words: String)] = [
    .ecSecp256k1: (.keyTypeNotImportable, "The transit engine has no keys on secp256k1.")
  ]

  static let openbao = ProviderRules(
    provider: .openbao,
    specs: transitKeys + [
      raw("xchacha20-poly1305", .symmetric, [.chacha20Poly1305, .opaque], 32...32)
    ],
    wrappings: transitWrappings,
    barredTypes: noSecp256k1
  )

  static let vault = ProviderRules(
    provider: .vault,
    specs: transitKeys,
    wrappings: transitWrappings,
    barredTypes: noSecp256k1
  )

  static let oci = ProviderRules(
    provider: .oci,
    specs: [
      raw("AES", .symmetric, [.aes256, .aes128, .opaque], 16...16, 24...24, 32...32),
      pair("RSA", .rsa, .rsa2048, .rsa3072, .rsa4096),
    ],
    wrappings: [
      Wrapping(algorithm: .oaepSHA256, bits: [4096]),
      Wrapping(algorithm: .hybridSHA256, bits: [4096]),
    ],
    bars: [
      Bar(
        family: .rsa,
        envelope: .direct,
        words: "An RSA key does not fit into RSA_OAEP_SHA256."
      )
    ],
    barredSpecs: [
      BarredSpec(
        name: "ECDSA",
        code: .keySpecNotImportable,
        words: "OCI Vault makes ECDSA keys, but does not import them."
      )
    ],
    barredTypes: [KeyType.ecP256, .ecP384, .ecP521].reduce(into: [:]) {
      $0[$1] = (.keyTypeNotImportable, "OCI Vault makes ECDSA keys, but does not import them.")
    }
  )

  private static let ibmRootKey = [
    raw("root", .symmetric, [.aes256, .aes128, .opaque], 16...16, 24...24, 32...32)
  ]

  static let ibm = ProviderRules(
    provider: .ibm,
    specs: ibmRootKey,
    wrappings: [Wrapping(algorithm: .oaepSHA256, bits: [2048, 3072, 4096])]
  )

  static let hpcs = ProviderRules(
    provider: .hpcs,
    specs: ibmRootKey,
    wrappings: [Wrapping(algorithm: .oaepSHA1, bits: [2048, 3072, 4096])]
  )

  private static let oaepWith2048 = [
    Wrapping(algorithm: .oaepSHA256, bits: [2048]), Wrapping(algorithm: .oaepSHA1, bits: [2048]),
  ]

  static let alibaba = ProviderRules(
    provider: .alibaba,
    specs: [raw("Aliyun_AES_256", .symmetric, [.aes256, .opaque], 32...32)],
    wrappings: oaepWith2048
  )

  static let tencent = ProviderRules(
    provider: .tencent,
    specs: [raw("ENCRYPT_DECRYPT", .symmetric, [.aes256, .opaque], 32...32)],
    wrappings: oaepWith2048
  )
}
