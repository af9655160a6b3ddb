import Testing

/// Every vector file is run by a suite, or said not to be offered, and why.
@Suite
struct WycheproofCoverageTests {
  /// Prefixes of the files that the suites beside this one run.
  static let run = [
    "aes_gcm", "chacha20_poly1305", "aes_wrap", "aes_kwp", "hmac_", "hkdf_", "rsa_oaep_",
    "rsa_pss_",
    "rsa_signature_", "ecdsa_", "ecdh_", "ed25519", "x25519", "primality",
  ]

  static let notOffered = [
    "json_web_": "JOSE is run by KeywardAuthnTests",
    "xchacha20_poly1305": "messages have a derived key instead of a longer nonce",
  ]

  @Test(arguments: VectorFile.names)
  func fileIsDecided(name: String) {
    let run = Self.run.filter { name.hasPrefix($0) }
    let reasons = Self.notOffered.keys.filter { name.hasPrefix($0) }
    #expect(run.count + reasons.count == 1, "\(name) is not decided")
  }
}
