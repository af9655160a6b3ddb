import KeywardModel

extension ProviderRules {
  /// "Formatting keys for import"; the algorithms of CryptoKeyVersionAlgorithm.
  static let google = ProviderRules(
    provider: .google,
    specs: googleSymmetric + googleRSA + googleCurves,
    wrappings: [
      Wrapping(algorithm: .oaepSHA256, bits: [3072, 4096]),
      Wrapping(algorithm: .hybridSHA256, bits: [3072, 4096]),
      Wrapping(algorithm: .hybridSHA1, bits: [3072, 4096]),
    ],
    bars: [
      Bar(
        family: .rsa,
        envelope: .direct,
        words: "Google Cloud KMS takes RSA keys under the methods with AES_256 only."
      )
    ],
    barredSpecs: [
      "EC_SIGN_P521_SHA512", "PQ_SIGN_ML_DSA_44", "PQ_SIGN_ML_DSA_65", "PQ_SIGN_ML_DSA_87",
      "PQ_SIGN_SLH_DSA_SHA2_128S", "ML_KEM_768", "ML_KEM_1024", "KEM_XWING",
      "EXTERNAL_SYMMETRIC_ENCRYPTION",
    ].map {
      BarredSpec(
        name: $0,
        code: .keySpecNotImportable,
        words: "Google Cloud KMS takes no material for \($0)."
      )
    },
    barredTypes: [
      .ecP521: (.keyTypeNotImportable, "Google Cloud KMS has no keys on P-521.")
    ]
  )

  private static let googleSymmetric = [
    raw("GOOGLE_SYMMETRIC_ENCRYPTION", .symmetric, [.aes256, .opaque], 32...32),
    raw("AES_256_GCM", .symmetric, [.aes256], 32...32),
    raw("AES_256_CBC", .symmetric, [.aes256], 32...32),
    raw("AES_256_CTR", .symmetric, [.aes256], 32...32),
    raw("AES_128_GCM", .symmetric, [.aes128], 16...16),
    raw("AES_128_CBC", .symmetric, [.aes128], 16...16),
    raw("AES_128_CTR", .symmetric, [.aes128], 16...16),
    // The length must be that of the hash.
    raw("HMAC_SHA1", .mac, [.opaque], 20...20),
    raw("HMAC_SHA224", .mac, [.opaque], 28...28),
    raw("HMAC_SHA256", .mac, [.hmacSHA256, .opaque], 32...32),
    raw("HMAC_SHA384", .mac, [.hmacSHA384, .opaque], 48...48),
    raw("HMAC_SHA512", .mac, [.hmacSHA512, .opaque], 64...64),
  ]

  private static let googleRSA: [KeySpec] = [
    ("2048", KeyType.rsa2048, ["SHA256"]), ("3072", .rsa3072, ["SHA256"]),
    ("4096", .rsa4096, ["SHA256", "SHA512"]),
  ].flatMap { bits, type, hashes in
    hashes.flatMap { hash in
      [
        pair("RSA_SIGN_PSS_\(bits)_\(hash)", .rsa, type),
        pair("RSA_SIGN_PKCS1_\(bits)_\(hash)", .rsa, type),
        pair("RSA_DECRYPT_OAEP_\(bits)_\(hash)", .rsa, type),
      ]
    } + [
      pair("RSA_SIGN_RAW_PKCS1_\(bits)", .rsa, type),
      pair("RSA_DECRYPT_OAEP_\(bits)_SHA1", .rsa, type),
    ]
  }

  private static let googleCurves = [
    pair("EC_SIGN_P256_SHA256", .curve, .ecP256),
    pair("EC_SIGN_P384_SHA384", .curve, .ecP384),
    // Protection level HSM only.
    pair("EC_SIGN_SECP256K1_SHA256", .curve, .ecSecp256k1),
    pair("EC_SIGN_ED25519", .curve, .ed25519),
  ]
}
